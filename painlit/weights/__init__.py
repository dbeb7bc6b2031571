"""Networks out of the settings, their weights as files, and which weights a stage starts from."""
