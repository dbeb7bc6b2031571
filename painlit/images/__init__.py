"""Labelled photographs of faces: an index of each data set, reading, augmentation, sampling, batches."""
