"""Video: decoding, face detection (MTCNN), tracking and crops."""
