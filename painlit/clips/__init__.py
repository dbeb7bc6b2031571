"""A clip's inputs: the prepared table, frame embeddings, and the clips that an experiment uses."""
