"""Scaled dot-product attention for the narrow heads of this model (10 to 14 features)."""

import torch.nn.functional as F
from torch import Tensor


def narrow_attention(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """`scaled_dot_product_attention` on heads padded with zeros to a multiple of 8 features, where kernels are fast.

    Zero features change neither a dot product nor the other features of a mean, so the result is the same.

    Args:
        query: (B, heads, m, features).
        key: (B, heads, n, features).
        value: (B, heads, n, features).
        scale: Factor of the dot products.

    Returns:
        (B, heads, m, features).
    """
    features = query.shape[-1]
    padding = (0, -features % 8)
    query, key, value = F.pad(query, padding), F.pad(key, padding), F.pad(value, padding)
    return F.scaled_dot_product_attention(query, key, value, scale=scale)[..., :features]


def short_attention(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """The same for very many, very short sequences, such as the 16 sub-patches of a patch: as two matrix products.

    Fused kernels work in blocks of 32 and more queries and lose here.
    """
    features = value.shape[-1]
    weights = (query @ key.transpose(-1, -2) * scale).softmax(dim=-1)
    return (weights @ F.pad(value, (0, -features % 8)))[..., :features]
