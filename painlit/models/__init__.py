"""The networks of the paper as plain modules: no training code here."""
