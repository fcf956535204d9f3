"""Layers, the one description of an architecture that kernels and networks share."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from symlearn.menu.lookup import module_of


@dataclass(frozen=True)
class Dense:
    """A fully connected layer; weights and biases (where there are some) of unit variance."""

    bias: bool


@dataclass(frozen=True)
class Convolution:
    """A circular convolution without bias; weights of unit variance."""

    filter_size: int


@dataclass(frozen=True)
class Relu:
    """The rectifier max(x, 0)."""


@dataclass(frozen=True)
class GlobalAveragePool:
    """The mean over all pixels."""


@dataclass(frozen=True)
class Flatten:
    """All pixels and channels as one vector."""


@dataclass(frozen=True)
class RadialBasis:
    """No network: the kernel exp(-inverse_length^2 |x - x'|^2)."""

    inverse_length: float


@dataclass(frozen=True)
class Patches:
    """Square patches that tile the image, each a token, embedded linearly without bias.

    An image that they do not tile gets a margin of zeros.
    """

    side: int

    def margin(self, side: int) -> int:
        """Pixels on each edge of an image, equally many, with which patches tile it.

        Raises ValueError where none do: patches of even side and images of odd side.
        """
        for margin in range(2 * self.side):
            if (side + 2 * margin) % self.side == 0:
                return margin
        raise ValueError(f"patches of {self.side} pixels tile no image of {side} with a margin")


@dataclass(frozen=True)
class LayerNorm:
    """Every token with mean 0 and variance 1 over its channels."""


@dataclass(frozen=True)
class SelfAttention:
    """Softmax attention of all tokens, keys tied to queries, products divided by their width.

    With `positions`, a code of each token's position is added first, random and then trained.
    """

    positions: bool


@dataclass(frozen=True)
class Gelu:
    """The Gaussian error linear unit."""


@dataclass(frozen=True)
class Residual:
    """What the layers of the body add to their input."""

    body: "Layers"


Layer = (
    Dense
    | Convolution
    | Relu
    | GlobalAveragePool
    | Flatten
    | RadialBasis
    | Patches
    | LayerNorm
    | SelfAttention
    | Gelu
    | Residual
)
Layers = tuple[Layer, ...]


def layers_of(architecture: str | Mapping[str, Any]) -> Layers:
    """The layers of a standard architecture's name, or of a mapping with `kind` and parameters.

    Raises ConfigError for an unknown name.
    """
    # By name, so that a result depends on its own kind of architecture alone.
    if isinstance(architecture, str):
        entry = import_module("symlearn.menu.kinds").standard_architecture(architecture)
    else:
        entry = dict(architecture)
    module = import_module(module_of("symlearn.menu.architectures", entry.pop("kind")))
    return module.layers(**entry)


def is_dense(layers: Layers) -> bool:
    """Whether `layers` are dense ones on all pixels, with a ReLU between any two."""
    match layers:
        case (Flatten(), Dense(), *rest):
            kinds = tuple(map(type, rest))
            return kinds == (Relu, Dense) * (len(kinds) // 2)
    return False


def has_closed_form(layers: Layers) -> bool:
    """Whether `layers` are one convolution, ReLU, an optional global pool and a linear readout."""
    match layers:
        case (Convolution(), Relu(), Flatten(), Dense(bias=False)):
            return True
        case (Convolution(), Relu(), GlobalAveragePool(), Flatten(), Dense(bias=False)):
            return True
    return False


def is_of_tokens(layers: Layers) -> bool:
    """Whether `layers` are a transformer's: patches as tokens, and their mean read out."""
    return isinstance(layers[0], Patches)


def products_of_tokens(layers: Layers, pixels: int) -> float:
    """Of a kernel's entry, roughly the multiplications, if `is_of_tokens` holds for `layers`."""
    first, *rest = layers
    assert isinstance(first, Patches)
    tokens = pixels / first.side**2
    within = [inner for layer in rest if isinstance(layer, Residual) for inner in layer.body]
    attentions = sum(isinstance(layer, SelfAttention) for layer in within)
    return tokens**2 * (first.side**2 + 8 * tokens * attentions + 30 * len(within))
