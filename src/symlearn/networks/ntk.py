"""The architectures that have a kernel, at finite width, in NTK parametrisation.

From the same lists of layers as `symlearn.kernels`. All weights and biases are drawn from
N(0, 1); a layer divides by the root of its fan-in, so that wide networks have the analytic kernel.
"""

from collections.abc import Mapping
from math import prod
from typing import Any

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional as F

from symlearn.menu.layers import (
    Convolution,
    Dense,
    Flatten,
    GlobalAveragePool,
    Layers,
    Relu,
    layers_of,
)


class NtkDense(nn.Module):
    """x W / sqrt(fan-in) + b with unit-variance weights and biases.

    The weight is kept as (before, after), so that the gradients of stacked weights come in their
    own memory layout and need no copy.
    """

    def __init__(self, before: int, after: int, bias: bool):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(before, after))
        self.bias = nn.Parameter(torch.randn(after)) if bias else None
        self.scale = before**-0.5

    def forward(self, x: Float[torch.Tensor, "batch before"]) -> Float[torch.Tensor, "batch after"]:
        """The layer's output."""
        y = x @ self.weight * self.scale
        return y if self.bias is None else y + self.bias


class NtkConvolution(nn.Module):
    """A circular convolution without bias, divided by the root of its fan-in."""

    def __init__(self, before: int, after: int, size: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before, size, size))
        self.scale = (before * size**2) ** -0.5
        self.reach = size // 2

    def forward(
        self, x: Float[torch.Tensor, "batch before row col"]
    ) -> Float[torch.Tensor, "batch after row col"]:
        """The layer's output."""
        wrapped = F.pad(x, (self.reach,) * 4, mode="circular")
        return F.conv2d(wrapped, self.weight) * self.scale


class GlobalMean(nn.Module):
    """The mean over all pixels, kept as one pixel."""

    def forward(
        self, x: Float[torch.Tensor, "batch channel row col"]
    ) -> Float[torch.Tensor, "batch channel 1 1"]:
        """The layer's output."""
        return x.mean(dim=(-2, -1), keepdim=True)


def network(
    shape: tuple[int, int, int], outputs: int, *, architecture: Mapping[str, Any], width: int
) -> nn.Module:
    """The network of an architecture's entry at a width."""
    return from_layers(layers_of(architecture), shape, outputs, width)


def from_layers(layers: Layers, shape: tuple[int, int, int], outputs: int, width: int) -> nn.Module:
    """The network of `layers` on images of `shape` (channel, row, col), hidden layers of `width`.

    Raises ValueError for a kernel that is no network.
    """
    modules: list[nn.Module] = []
    size, last = shape, len(layers) - 1
    for position, layer in enumerate(layers):
        after = outputs if position == last else width
        match layer:
            case Dense(bias):
                modules.append(NtkDense(prod(size), after, bias))
                size = (after, 1, 1)
            case Convolution(filter_size):
                modules.append(NtkConvolution(size[0], after, filter_size))
                size = (after, *size[1:])
            case Relu():
                modules.append(nn.ReLU())
            case GlobalAveragePool():
                modules.append(GlobalMean())
                size = (size[0], 1, 1)
            case Flatten():
                modules.append(nn.Flatten())
            case _:
                name = type(layer).__name__
                raise ValueError(f"the layer {name} is of kernels and has no network of a width")
    return nn.Sequential(*modules)
