"""From recordings to model inputs."""
