"""Where each kind of network and of problem is made: a module and the names in it.

The only place to add one. It is left out of what results depend on (`symlearn.closure.INDEXES`),
so that a new line remakes none: a cell depends on the modules of its own kinds.
"""

import importlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple


class Builder(NamedTuple):
    """A function of the images' shape, the number of outputs and the kind's parameters."""

    module: str
    function: str


class ProblemMaker(NamedTuple):
    """Functions of a data set and a spec: the problem, and what its members are."""

    module: str
    problem: str
    members: str


_HERE = "symlearn.networks"
BUILDERS: Mapping[str, Builder] = {
    "perceptron": Builder(f"{_HERE}.perceptron", "perceptron"),
    "convnet": Builder(f"{_HERE}.convnet", "convnet"),
    "vision-transformer": Builder(f"{_HERE}.vision_transformer", "VisionTransformer"),
    "plain-transformer": Builder(f"{_HERE}.plain_transformer", "plain_transformer"),
    "ntk": Builder(f"{_HERE}.ntk", "network"),
    "lenet": Builder(f"{_HERE}.convolutional", "lenet"),
    "alexnet": Builder(f"{_HERE}.convolutional", "alexnet"),
    "vgg": Builder(f"{_HERE}.convolutional", "vgg"),
    "resnet": Builder(f"{_HERE}.convolutional", "resnet"),
    "efficientnet-b0": Builder(f"{_HERE}.convolutional", "efficientnet_b0"),
    "orbit-pooled": Builder(f"{_HERE}.tied", "orbit_pooled"),
    "orbit-averaged": Builder(f"{_HERE}.tied", "averaged_entry"),
}
PROBLEMS: Mapping[str, ProblemMaker] = {
    "partial-rotations": ProblemMaker(f"{_HERE}.partial", "problem", "members"),
    "pairs": ProblemMaker(f"{_HERE}.on_orbits", "pairs", "pairs_members"),
    "classes": ProblemMaker(f"{_HERE}.on_orbits", "classes", "classes_members"),
    "classification": ProblemMaker(f"{_HERE}.classification", "problem", "members"),
}


def found(module: str, name: str) -> Callable[..., Any]:
    """What a module calls `name`."""
    return getattr(importlib.import_module(module), name)


def builder(network: Mapping[str, Any]) -> Callable[..., Any]:
    """What builds the network of an entry for images of a shape and a number of outputs."""
    settings = dict(network)
    return partial(found(*BUILDERS[settings.pop("kind")]), **settings)


def kinds_of(network: Mapping[str, Any] | None) -> list[str]:
    """The kind of a network's entry, and of the networks inside it."""
    kinds = []
    while network is not None:
        kinds.append(network["kind"])
        network = network.get("network")
    return kinds


def builder_modules(kinds: Iterable[str]) -> list[str]:
    """The modules that build networks of these kinds."""
    return [BUILDERS[kind].module for kind in kinds]
