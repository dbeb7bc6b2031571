"""Maps: where in a face, when in a clip, and how faithful they are."""
