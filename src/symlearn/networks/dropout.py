"""Dropout whose masks are given to it, so that every network has random numbers of its own."""

import torch
from jaxtyping import Float
from torch import nn


class Dropout(nn.Module):
    """Zeroes features with a probability, and scales the rest up; the identity in eval mode.

    The mask is the buffer `mask` (batch, feature), which the training loop draws by `draw` for
    each network and step: networks trained side by side get the numbers that each would get alone.
    """

    mask: torch.Tensor

    def __init__(self, features: int, probability: float):
        super().__init__()
        self.features = features
        self.probability = probability
        self.register_buffer("mask", torch.empty(0), persistent=False)

    def draw(self, batch: int, generator: torch.Generator) -> Float[torch.Tensor, "batch feature"]:
        """A mask for a batch: 0 with the probability, else 1 / (1 - probability)."""
        shape = (batch, self.features)
        kept = torch.rand(shape, generator=generator, device=generator.device) >= self.probability
        return kept / (1 - self.probability)

    def forward(
        self, x: Float[torch.Tensor, "batch feature"]
    ) -> Float[torch.Tensor, "batch feature"]:
        """The features, masked in training mode."""
        return x * self.mask if self.training else x
