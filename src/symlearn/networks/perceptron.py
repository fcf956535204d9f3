"""The multi-layer perceptron of figures 1 and 6."""

from itertools import pairwise
from math import prod

from torch import nn

from symlearn.networks.dropout import Dropout


def perceptron(
    shape: tuple[int, int, int], classes: int, *, widths: list[int], dropout: float
) -> nn.Module:
    """Dense layers with ReLU and dropout, then a linear readout without bias.

    PyTorch's own initialisation, as the authors'.
    """
    layers: list[nn.Module] = [nn.Flatten()]
    for before, after in pairwise([prod(shape), *widths]):
        layers += [nn.Linear(before, after), nn.ReLU()]
        if dropout:
            layers.append(Dropout(after, dropout))
    return nn.Sequential(*layers, nn.Linear(widths[-1], classes, bias=False))
