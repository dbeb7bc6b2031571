"""Maps: where in a face, when in a clip, and how far to believe it."""
