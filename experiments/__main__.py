"""`python -m experiments <stage> key=value …`, as `painlit` does."""

from experiments.command import painlit

if __name__ == "__main__":
    painlit()
