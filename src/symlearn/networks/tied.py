"""Networks that are invariant under a finite group because their weights are tied.

Genuine invariance: it holds for every input, not only where there were data. It is exact where
the group permutes pixels, so interpolated rotations are refused. Both networks are defined in
docs/science/invariance.md#weight-tying.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from math import prod
from typing import Any

import torch
from jaxtyping import Float
from torch import nn

from symlearn.groups.tensors import Images, PixelPermutations, image_action
from symlearn.menu import lookup

Shape = tuple[int, int, int]
Logits = Float[torch.Tensor, "image class_"]


class OrbitAverage(nn.Module):
    """The logits of a network, averaged over all poses of its input."""

    def __init__(self, network: nn.Module, action: PixelPermutations):
        super().__init__()
        self.network = network
        self.action = action

    def forward(self, images: Images) -> Logits:
        """One pass for each pose: a dropout mask drawn for the batch then holds for all of them."""
        poses = self.action.poses(images).unbind(dim=1)
        return torch.stack([self.network(pose) for pose in poses]).mean(dim=0)


class OrbitPool(nn.Module):
    """A dense layer lifted over a group, ReLU, and the mean over the group.

    Feature k at element g responds to the weights of feature k moved by g, that is: the same
    weights see every pose. A shift of the input's pose only permutes g, and the mean forgets it.
    The mean, not the maximum: where an image is symmetric, poses tie up to rounding, and the
    gradient of a maximum would follow one of them at random.
    """

    def __init__(self, shape: Shape, features: int, action: PixelPermutations):
        super().__init__()
        self.dense = nn.Linear(prod(shape), features)
        self.action = action

    def forward(self, images: Images) -> Float[torch.Tensor, "image feature"]:
        """The pooled features. Cost: |G| times that of the dense layer."""
        return self.dense(self.action.poses(images).flatten(2)).relu().mean(dim=1)


def averaged_entry(
    shape: Shape, classes: int, *, network: Mapping[str, Any], group: str, n: int
) -> nn.Module:
    """`orbit_averaged` of the network of a config's entry."""
    return orbit_averaged(shape, classes, network=lookup.builder(network), group=group, n=n)


def orbit_averaged(
    shape: Shape,
    classes: int,
    *,
    network: Callable[[Shape, int], nn.Module],
    group: str = "cyclic-rotation",
    n: int = 4,
) -> nn.Module:
    """The network that `network(shape, classes)` builds, its logits averaged over the orbit.

    Raises ValueError if the group does not permute the pixels of images of this shape.
    """
    return OrbitAverage(network(shape, classes), _exact_action(group, n, shape))


def orbit_pooled(
    shape: Shape,
    classes: int,
    *,
    widths: list[int],
    group: str = "cyclic-rotation",
    n: int = 4,
) -> nn.Module:
    """A ReLU perceptron whose first layer is lifted over the group and pooled over the orbit.

    Raises ValueError if the group does not permute the pixels of images of this shape.
    """
    layers: list[nn.Module] = [OrbitPool(shape, widths[0], _exact_action(group, n, shape))]
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], classes))


def _exact_action(group: str, n: int, shape: Shape) -> PixelPermutations:
    action = image_action(group, n, shape[1:])
    if not isinstance(action, PixelPermutations):
        raise ValueError(
            f"{group} with n = {n} interpolates, so no weight-tying makes a network exactly "
            "invariant under it; take n = 1, 2 or 4"
        )
    return action
