"""The convolutional network of figures 1 and 11."""

from torch import nn


def convnet(
    shape: tuple[int, int, int], classes: int, *, channels: list[int], hidden: int
) -> nn.Module:
    """Convolutions of 5 x 5 and 3 x 3 pixels without padding, pooled by 2, and two dense layers.

    Images of at least 12 pixels; raises ValueError for smaller ones. PyTorch's own initialisation.
    """
    first, second = channels
    side = ((shape[1] - 4) // 2 - 2) // 2
    if side < 1:
        raise ValueError(f"the convnet needs images of 12 pixels or more, not {shape[1]}")
    return nn.Sequential(
        nn.Conv2d(shape[0], first, 5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(first, second, 3),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(second * side**2, hidden),
        nn.ReLU(),
        nn.Linear(hidden, classes),
    )
