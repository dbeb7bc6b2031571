"""Spatial-Module: a face image to its embedding, by Transformer in Transformer with the inner stream first."""

from collections.abc import Callable, Iterable
from typing import Any, cast

import torch
import torch.nn.functional as F
from einops import rearrange
from timm.models.tnt import TNT
from torch import Tensor, nn

from painlit.models.attention import attend, narrow_attention, short_attention


class SpatialModule(nn.Module):
    """Transformer in Transformer (paper section 3.2.1): 2,565,100 parameters.

    The network is timm's `TNT`, kept whole under `tnt.`, so that its weights are exchangeable. Only the order of
    computation differs. In TNT the inner (pixel) stream never receives anything back from the outer (patch) stream,
    and a patch's inner stream depends on that patch alone. So it can run through all blocks first, for a few patches
    at a time: what they need stays in the processor's cache, and the results are the same.

    Args:
        image_size: Height and width of the images in px.
        patch_size: Height and width of a patch in px.
        embed_dim: Length of the embedding, and width of the outer stream.
        inner_dim: Width of the inner stream.
        depth: Blocks.
        inner_heads: Attention heads of the inner stream.
        outer_heads: Attention heads of the outer stream.
        mlp_ratio: Hidden width of the outer feed-forward, in multiples of embed_dim.
        drop_path: Rate of stochastic depth in the last block, rising linearly from 0; ours, off by default.
        chunk: Patches whose inner stream runs at once on a CPU in inference. Training, other devices and exported
            graphs take all at once.

    Shapes:
        images (B, 3, image_size, image_size), of order one as after x / 127.5 - 1 -> (B, embed_dim).

    Raises:
        ValueError: From `forward` and `patches`, when the images have another shape.
    """

    def __init__(
        self,
        *,
        image_size: int = 224,
        patch_size: int = 16,
        embed_dim: int = 100,
        inner_dim: int = 40,
        depth: int = 12,
        inner_heads: int = 4,
        outer_heads: int = 10,
        mlp_ratio: float = 4.0,
        drop_path: float = 0.0,
        chunk: int = 196,
    ):
        super().__init__()
        self.image_size = image_size
        self.patch_size = patch_size
        self.embed_dim = embed_dim
        self.chunk = chunk
        self.behind_pixels: Callable[[Tensor], Tensor] | None = None
        """What makes embeddings of pixels in training, in torch's place (`painlit.native`)."""
        self.tnt = TNT(
            img_size=image_size,
            patch_size=patch_size,
            num_classes=0,
            embed_dim=embed_dim,
            inner_dim=inner_dim,
            depth=depth,
            num_heads_inner=inner_heads,
            num_heads_outer=outer_heads,
            mlp_ratio=mlp_ratio,
            drop_path_rate=drop_path,
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return the embedding of each image, the class token after the final norm: (B, embed_dim)."""
        patches = self.patches(images)
        if self.behind_pixels is not None and self.training and torch.is_grad_enabled():
            return self.behind_pixels(self.pixels(patches))
        on_cpu = images.device.type == "cpu" and not torch.is_grad_enabled()  # a backward pass needs all in memory
        whole = not on_cpu or torch.compiler.is_exporting()  # a graph has no loop over the batch
        return self.behind_pixels_by_torch(
            self.pixels(part) for part in ([patches] if whole else patches.split(self.chunk))
        )

    def behind_pixels_by_torch(self, chunks: Iterable[Tensor]) -> Tensor:
        """The embeddings of images, (B, embed_dim), from their pixels, (B·p, sub-patches, inner_dim) in any chunks."""
        made = [self.inner_stream(pixels) for pixels in chunks]
        of_an_image = (self.image_size // self.patch_size) ** 2
        given = [torch.cat(parts) for parts in zip(*made, strict=True)]  # 1 + depth of (B·p, D)
        first, *updates = (part.unflatten(0, (-1, of_an_image)) for part in given)
        return self.outer_stream(first, updates)

    def patches(self, images: Tensor) -> Tensor:
        """Cut images into patches, row by row: (B, 3, H, W) -> (B·p, 3, patch_size, patch_size)."""
        return rearrange(
            checked(images, self.image_size), "b c (h y) (w x) -> (b h w) c y x", y=self.patch_size, x=self.patch_size
        )

    def pixels(self, patches: Tensor) -> Tensor:
        """Embed the sub-patches of patches, with their position: -> (B·p, sub-patches, inner_dim)."""
        return rearrange(self.tnt.pixel_embed.proj(patches) + self.tnt.pixel_pos, "p d y x -> p (y x) d")

    def inner_stream(self, pixels: Tensor) -> list[Tensor]:
        """Run the inner stream of some patches through all blocks.

        Args:
            pixels: (p, sub-patches, inner_dim), of patches of any images.

        Returns:
            What it gives to the outer stream: the first patch embedding, then each block's update, (p, embed_dim).
        """
        tnt = self.tnt
        given = [tnt.norm2_proj(tnt.proj(tnt.norm1_proj(pixels.flatten(1))))]
        for block in cast(list[Any], tnt.blocks):
            pixels = pixels + block.drop_path(attend(block.attn_in, block.norm_in(pixels), short_attention))
            pixels = pixels + block.drop_path(block.mlp_in(block.norm_mlp_in(pixels)))
            given.append(block.norm2_proj(block.proj(block.norm1_proj(pixels.flatten(1)))))
        return given

    def outer_stream(
        self, first: Tensor, updates: list[Tensor], kernel: Callable[..., Tensor] = narrow_attention
    ) -> Tensor:
        """Run the outer stream on what the inner one gave, each (B, patches, embed_dim)."""
        tnt = self.tnt
        x = torch.cat([tnt.cls_token.expand(first.shape[0], -1, -1), first], dim=1) + tnt.patch_pos  # (B, 1 + p, D)
        for block, update in zip(cast(list[Any], tnt.blocks), updates, strict=True):
            x = x + F.pad(update, (0, 0, 1, 0))  # the class token gets nothing
            x = x + block.drop_path(attend(block.attn_out, block.norm_out(x), kernel))
            x = x + block.drop_path(block.mlp(block.norm_mlp(x)))
        return tnt.norm(x[:, 0])


def checked(images: Tensor, size: int) -> Tensor:
    """Images, if they are (B, 3, size, size), and a ValueError otherwise."""
    if images.ndim != 4 or images.shape[1:] != (3, size, size):
        raise ValueError(f"the Spatial-Module reads images (B, 3, {size}, {size}), got {tuple(images.shape)}")
    return images
