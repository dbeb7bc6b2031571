"""Seeds that follow from what they are for, never from the order in which things finish."""

from __future__ import annotations

import hashlib


def derive_seed(*parts: int | str) -> int:
    """A 32-bit seed out of a base seed and names or numbers.

    >>> derive_seed(0, "071309_w_21") == derive_seed(0, "071309_w_21") != derive_seed(1, "071309_w_21")
    True
    """
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4], "little")
