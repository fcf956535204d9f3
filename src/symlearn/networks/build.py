"""From a network's entry in a spec to a torch module."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from symlearn.menu import lookup

Shape = tuple[int, int, int]


def build(network: Mapping[str, Any], shape: Shape, outputs: int, seed: int) -> nn.Module:
    """The network of an entry for images of `shape` (channel, row, col), initialised by `seed`.

    Torch initialises from its global generator, which is left as it was found. Raises ValueError
    where the kind of network does not suit the shape.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return lookup.builder(network)(shape, outputs)
