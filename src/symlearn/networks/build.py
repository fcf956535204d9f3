"""From a network's entry in a spec to a torch module."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from symlearn.architectures import layers_of
from symlearn.networks.convnet import convnet
from symlearn.networks.ntk import from_layers
from symlearn.networks.perceptron import perceptron
from symlearn.networks.vision_transformer import VisionTransformer

Shape = tuple[int, int, int]


def _ntk(shape: Shape, outputs: int, *, architecture: Mapping[str, Any], width: int) -> nn.Module:
    return from_layers(layers_of(architecture), shape, outputs, width)


BUILDERS: Mapping[str, Callable[..., nn.Module]] = {
    "perceptron": perceptron,
    "convnet": convnet,
    "vision-transformer": VisionTransformer,
    "ntk": _ntk,
}


def build(network: Mapping[str, Any], shape: Shape, outputs: int, seed: int) -> nn.Module:
    """The network of an entry for images of `shape` (channel, row, col), initialised by `seed`.

    Torch initialises from its global generator, which is left as it was found.
    """
    settings = dict(network)
    builder = BUILDERS[settings.pop("kind")]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return builder(shape, outputs, **settings)
