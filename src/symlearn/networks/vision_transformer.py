"""A plain vision transformer: sine positions, pre-norm blocks, mean of the tokens.

After Beyer, Zhai and Kolesnikov, "Better plain ViT baselines for ImageNet-1k" (arXiv 2205.01580).
Attention is written out as matrix products, so that it can be vectorised over networks and
differentiated forwards.
"""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import nn

Tokens = Float[torch.Tensor, "image token width"]


def sine_positions(rows: int, cols: int, width: int) -> Float[torch.Tensor, "token width"]:
    """Sines and cosines of the column, then of the row, at geometric wavelengths to 10 000."""
    quarter = width // 4
    if quarter < 2 or width % 4:
        raise ValueError(f"a transformer's width is a multiple of 4, at least 8, not {width}")
    row, col = torch.meshgrid(torch.arange(rows), torch.arange(cols), indexing="ij")
    frequency = 10_000.0 ** (-torch.arange(quarter) / (quarter - 1))
    by_col, by_row = (axis.reshape(-1, 1) * frequency for axis in (col, row))
    return torch.cat([by_col.sin(), by_col.cos(), by_row.sin(), by_row.cos()], dim=1)


class Attention(nn.Module):
    """Self-attention of several heads, without biases."""

    def __init__(self, width: int, heads: int, head_width: int):
        super().__init__()
        self.heads = heads
        self.scale = head_width**-0.5
        self.norm = nn.LayerNorm(width)
        self.to_qkv = nn.Linear(width, 3 * heads * head_width, bias=False)
        self.out = nn.Linear(heads * head_width, width, bias=False)

    def forward(self, x: Tokens) -> Tokens:
        """What each token takes from the others."""
        qkv = rearrange(self.to_qkv(self.norm(x)), "b t (k h d) -> k b h t d", k=3, h=self.heads)
        query, key, value = qkv
        weights = (query @ key.mT * self.scale).softmax(dim=-1)
        return self.out(rearrange(weights @ value, "b h t d -> b t (h d)"))


class VisionTransformer(nn.Module):
    """Patch embedding, `depth` blocks of attention and MLP, mean of the tokens, linear readout."""

    positions: torch.Tensor

    def __init__(
        self,
        shape: tuple[int, int, int],
        classes: int,
        *,
        patch: int,
        width: int,
        depth: int,
        heads: int,
        head_width: int,
        mlp_width: int,
    ):
        super().__init__()
        channels, rows, cols = shape
        if rows % patch or cols % patch:
            raise ValueError(f"patches of {patch} pixels do not tile images of {rows} x {cols}")
        self.patch = patch
        pixels = channels * patch**2
        self.embed = nn.Sequential(
            nn.LayerNorm(pixels), nn.Linear(pixels, width), nn.LayerNorm(width)
        )
        positions = sine_positions(rows // patch, cols // patch, width)
        self.register_buffer("positions", positions, persistent=False)
        self.attention = nn.ModuleList(Attention(width, heads, head_width) for _ in range(depth))
        self.mlp = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(width),
                nn.Linear(width, mlp_width),
                nn.GELU(),
                nn.Linear(mlp_width, width),
            )
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width)
        self.readout = nn.Linear(width, classes)

    def forward(
        self, images: Float[torch.Tensor, "image channel row col"]
    ) -> Float[torch.Tensor, "image class"]:
        """The logits of images."""
        pattern = "b c (h p) (w q) -> b (h w) (p q c)"
        patches = rearrange(images, pattern, p=self.patch, q=self.patch)
        x = self.embed(patches) + self.positions
        for attention, mlp in zip(self.attention, self.mlp, strict=True):
            x = x + attention(x)
            x = x + mlp(x)
        return self.readout(self.norm(x).mean(dim=1))
