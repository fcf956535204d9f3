"""Architectures as lists of layers, the one description that kernels and networks share.

An architecture is a kind and its parameters, for example `{kind: mlp, hidden_layers: 1}`. A kind
is one function below from parameters to layers; the config's model of it, with its types, ranges
and defaults, is read off the function's signature. `symlearn.kernels` turns the layers into the
infinite-width limit.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model

from symlearn.errors import ConfigError


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


Layer = Dense | Convolution | Relu | GlobalAveragePool | Flatten | RadialBasis
Layers = tuple[Layer, ...]


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError("a filter has a centre, so its size is odd")
    return value


def mlp(hidden_layers: Annotated[int, Field(strict=True, ge=1, le=64)]) -> Layers:
    """A multi-layer perceptron with biases."""
    hidden = (Dense(bias=True), Relu()) * hidden_layers
    return (Flatten(), *hidden, Dense(bias=True))


def cnn(
    readout: Literal["flatten", "gap"],
    filter_size: Annotated[int, Field(strict=True, ge=1), AfterValidator(_odd)] = 3,
    convolutions: Annotated[int, Field(strict=True, ge=1, le=16)] = 1,
) -> Layers:
    """Circular convolutions without bias, then a linear readout of all pixels or of their mean."""
    hidden = (Convolution(filter_size), Relu()) * convolutions
    pool = (GlobalAveragePool(),) if readout == "gap" else ()
    return (*hidden, *pool, Flatten(), Dense(bias=False))


def rbf(inverse_length: Annotated[float, Field(gt=0)]) -> Layers:
    """A Gaussian kernel of the distance between images."""
    return (RadialBasis(inverse_length),)


KINDS: Mapping[str, Callable[..., Layers]] = {"mlp": mlp, "cnn": cnn, "rbf": rbf}

# The architectures of the papers, known by these names everywhere.
STANDARD: Mapping[str, Mapping[str, Any]] = {
    "mlp-1": {"kind": "mlp", "hidden_layers": 1},
    "mlp-5": {"kind": "mlp", "hidden_layers": 5},
    "cnn-fc-3": {"kind": "cnn", "readout": "flatten", "filter_size": 3},
    "cnn-gap-3": {"kind": "cnn", "readout": "gap", "filter_size": 3},
}


def layers_of(architecture: str | Mapping[str, Any]) -> Layers:
    """The layers of a standard architecture's name, or of a mapping with `kind` and parameters.

    Raises ConfigError for an unknown name.
    """
    if isinstance(architecture, str) and architecture not in STANDARD:
        raise ConfigError(f"{architecture!r} is unknown; allowed: {', '.join(STANDARD)}")
    entry = dict(STANDARD[architecture] if isinstance(architecture, str) else architecture)
    return KINDS[entry.pop("kind")](**entry)


def _model_of(kind: str, function: Callable[..., Layers]) -> type[BaseModel]:
    fields: dict[str, Any] = {"kind": (Literal[kind], ...)}
    for name, parameter in inspect.signature(function).parameters.items():
        required = parameter.default is inspect.Parameter.empty
        fields[name] = (parameter.annotation, ... if required else parameter.default)
    config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    return create_model(kind, __config__=config, __doc__=inspect.getdoc(function), **fields)


# The config's model of each kind.
MODELS = {kind: _model_of(kind, function) for kind, function in KINDS.items()}
