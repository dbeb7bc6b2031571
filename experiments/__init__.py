"""One entry point per stage, with its YAML."""
