"""One LightningDataModule per data set, and the self-made demo data."""
