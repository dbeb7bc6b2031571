"""Bundles: trained models with all that it takes to use them, written, opened and verified."""
