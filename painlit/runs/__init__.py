"""The folder of a run: who works in it, what it was made with, and how it is tracked."""
