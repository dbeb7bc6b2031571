"""Data that the project makes itself, in the layouts of the real data sets. None of it is pain data."""
