"""Frame embeddings of every clip, computed once and kept: extraction and cache."""

from painlit.embeddings.cache import EmbeddingCache, StaleCacheError, boxes_digest
from painlit.embeddings.extract import FrameEmbedder, VideoClip, cache_settings, embed_frames

__all__ = [
    "EmbeddingCache",
    "FrameEmbedder",
    "StaleCacheError",
    "VideoClip",
    "boxes_digest",
    "cache_settings",
    "embed_frames",
]
