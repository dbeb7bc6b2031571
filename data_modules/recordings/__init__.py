"""Recordings of pain: BioVid's files, their check and preparation, and batches of clips."""
