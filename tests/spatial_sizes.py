"""Sizes of Spatial-Modules, of every kind that vectors of eight and of sixteen patches meet."""

SMALL = {"image_size": 48, "embed_dim": 20, "inner_dim": 8, "depth": 2, "inner_heads": 2, "outer_heads": 2}
SIZES = [
    SMALL,
    SMALL | {"image_size": 64},  # 16 patches fill one vector or two, and the class token needs one more
    SMALL | {"image_size": 16},  # one patch
    SMALL | {"image_size": 80, "embed_dim": 21, "inner_dim": 6, "inner_heads": 3, "outer_heads": 7},
    SMALL | {"embed_dim": 5, "inner_dim": 1, "depth": 3, "inner_heads": 1, "outer_heads": 1, "mlp_ratio": 2.0},
    SMALL | {"image_size": 40, "patch_size": 8},
    SMALL | {"image_size": 60, "patch_size": 20},
]
