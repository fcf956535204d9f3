"""Where each kind of network and of problem is made: a module and the names in it; lists alone.

It is left out of what results depend on (`symlearn.pipeline.closure.INDEXES`), so that a new line
remakes none: a cell depends on the modules of its own kinds.
"""

from collections.abc import Mapping
from typing import NamedTuple


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
    "of-views": Builder(f"{_HERE}.views", "of_views"),
}
PROBLEMS: Mapping[str, ProblemMaker] = {
    "partial-rotations": ProblemMaker(
        "symlearn.papers.orbits.partial_rotations", "problem", "members"
    ),
    "pairs": ProblemMaker(f"{_HERE}.on_orbits", "pairs", "pairs_members"),
    "classes": ProblemMaker(f"{_HERE}.on_orbits", "classes", "classes_members"),
    "pairs-of-views": ProblemMaker("symlearn.papers.orbits.single_orbits", "views", "members"),
    "single-orbits": ProblemMaker("symlearn.papers.orbits.single_orbits", "labels", "members"),
    "classification": ProblemMaker(f"{_HERE}.train_and_test", "problem", "members"),
}
