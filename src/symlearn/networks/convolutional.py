"""The convolutional networks of the relative-stability study, for images of 28 or 32 pixels.

Each is a function of the images' shape (channel, row, col) and the number of classes, with
`width`, the number of channels of its first stage; the other stages keep their ratio to it. At the
default width they are the published networks with the stem and head that are usual for small
images: 3 x 3 pixels at stride one, and one dense layer. All layers have names, PyTorch's
initialisation and ReLUs that do not work in place, so that any of them can be looked at.
"""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import nn
from torch.nn.functional import relu

from symlearn.networks.dropout import Dropout

Shape = tuple[int, int, int]
Images = Float[torch.Tensor, "image channel row col"]

# Channels of the convolutions relative to the first stage's, "M" for a max-pooling by two.
_VGG = {
    11: (1, "M", 2, "M", 4, 4, "M", 8, 8, "M", 8, 8, "M"),
    16: (1, 1, "M", 2, 2, "M", 4, 4, 4, "M", 8, 8, 8, "M", 8, 8, 8, "M"),
    19: (1, 1, "M", 2, 2, "M", 4, 4, 4, 4, "M", 8, 8, 8, 8, "M", 8, 8, 8, 8, "M"),
}
# Expansion, channels, blocks, stride of the first block and kernel of EfficientNet-B0's stages.
_EFFICIENT = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)


def lenet(shape: Shape, classes: int, *, width: int = 6) -> nn.Sequential:
    """LeNet-5 with ReLU and max-pooling: two convolutions of 5 x 5 pixels, three dense layers.

    Images of 12 pixels or more; those of fewer than 16 get a frame of two pixels.
    """
    side = _side(shape, 12, "LeNet")
    frame = 2 if side < 16 else 0
    side = ((side + 2 * frame - 4) // 2 - 4) // 2
    second, third, fourth = round(width * 16 / 6), width * 20, width * 14
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(shape[0], width, 5, padding=frame),
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(2),
            conv2=nn.Conv2d(width, second, 5),
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(2),
            flatten=nn.Flatten(),
            dense1=nn.Linear(second * side**2, third),
            relu3=nn.ReLU(),
            dense2=nn.Linear(third, fourth),
            relu4=nn.ReLU(),
            dense3=nn.Linear(fourth, classes),
        )
    )


def alexnet(shape: Shape, classes: int, *, width: int = 64) -> nn.Sequential:
    """AlexNet with its five convolutions, for small images: a stem of 3 x 3 pixels at stride two.

    Images of 16 pixels or more; two dense layers of 64 `width` units before the last, with dropout
    before each.
    """
    side = (_side(shape, 16, "AlexNet") + 1) // 2 // 2 // 2 // 2
    channels = (width, 3 * width, 6 * width, 4 * width, 4 * width)
    layers: list[nn.Module] = []
    previous = shape[0]
    for number, current in enumerate(channels):
        layers += [nn.Conv2d(previous, current, 3, stride=2 if number == 0 else 1, padding=1)]
        layers += [nn.ReLU()]
        if number in (0, 1, 4):
            layers.append(nn.MaxPool2d(2))
        previous = current
    return nn.Sequential(
        OrderedDict(
            features=nn.Sequential(*layers),
            flatten=nn.Flatten(),
            dropout1=Dropout(previous * side**2, 0.5),
            dense1=nn.Linear(previous * side**2, 64 * width),
            relu1=nn.ReLU(),
            dropout2=Dropout(64 * width, 0.5),
            dense2=nn.Linear(64 * width, 64 * width),
            relu2=nn.ReLU(),
            dense3=nn.Linear(64 * width, classes),
        )
    )


def vgg(
    shape: Shape, classes: int, *, depth: int = 11, width: int = 64, norm: bool = False
) -> nn.Sequential:
    """VGG with `depth` layers (11, 16 or 19), with or without batch norm; one of them is dense.

    Poolings of one pixel are left out: images of fewer than 32 pixels have a smaller network.
    """
    side = _side(shape, 4, "VGG")
    layers: list[nn.Module] = []
    previous = shape[0]
    for item in _VGG[depth]:
        if isinstance(item, int):
            layers.append(nn.Conv2d(previous, item * width, 3, padding=1))
            previous = item * width
            layers += [nn.BatchNorm2d(previous), nn.ReLU()] if norm else [nn.ReLU()]
        elif side > 1:
            layers.append(nn.MaxPool2d(2))
            side //= 2
    return nn.Sequential(
        OrderedDict(
            features=nn.Sequential(*layers),
            flatten=nn.Flatten(),
            dense=nn.Linear(previous * side**2, classes),
        )
    )


def resnet(
    shape: Shape, classes: int, *, width: int = 64, blocks: Sequence[int] = (2, 2, 2, 2)
) -> nn.Sequential:
    """A residual network; as it is, ResNet-18 with a stem of 3 x 3 pixels.

    `blocks` (one number a stage) makes smaller ones.

    Each stage after the first halves the image and doubles the channels. Images of 8 pixels or
    more.
    """
    _side(shape, 8, "ResNet")
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv=nn.Conv2d(shape[0], width, 3, padding=1, bias=False),
        norm=nn.BatchNorm2d(width),
        relu=nn.ReLU(),
    )
    previous = width
    for stage, count in enumerate(blocks):
        current = width * 2**stage
        strides = (1 if stage == 0 else 2, *[1] * (count - 1))
        parts = [
            Residual(current if number else previous, current, stride)
            for number, stride in enumerate(strides)
        ]
        layers[f"stage{stage + 1}"] = nn.Sequential(*parts)
        previous = current
    layers["pool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["dense"] = nn.Linear(previous, classes)
    return nn.Sequential(layers)


def efficientnet_b0(
    shape: Shape, classes: int, *, width: int = 32, stem_stride: int = 1
) -> nn.Sequential:
    """EfficientNet-B0; a stem of stride 1 for small images, 2 as published.

    Without stochastic depth; dropout of 0.2 before the dense layer. Channels are multiples of 8 as
    in the original. Images of 16 pixels or more.
    """
    _side(shape, 16, "EfficientNet")

    def scaled(channels: int) -> int:
        return max(8, round(channels * width / 32 / 8) * 8)

    previous = scaled(32)
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        stem=_convolution(shape[0], previous, 3, stem_stride)
    )
    for stage, (expansion, channels, count, stride, kernel) in enumerate(_EFFICIENT):
        parts = []
        for number in range(count):
            step = stride if number == 0 else 1
            parts.append(InvertedResidual(previous, scaled(channels), expansion, kernel, step))
            previous = scaled(channels)
        layers[f"stage{stage + 1}"] = nn.Sequential(*parts)
    layers["head"] = _convolution(previous, scaled(1280), 1)
    layers["pool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["dropout"] = Dropout(scaled(1280), 0.2)
    layers["dense"] = nn.Linear(scaled(1280), classes)
    return nn.Sequential(layers)


class Residual(nn.Module):
    """Two convolutions of 3 x 3 pixels beside a shortcut (1 x 1 where the shape changes)."""

    def __init__(self, inputs: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, channels, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, images: Images) -> Float[torch.Tensor, "image _ _ _"]:
        """Features of the images."""
        inner = relu(self.norm1(self.conv1(images)))
        return relu(self.norm2(self.conv2(inner)) + self.shortcut(images))


class InvertedResidual(nn.Module):
    """Expansion, a convolution channel by channel, squeeze and excitation, projection.

    With a shortcut where the shape stays the same.
    """

    def __init__(
        self, inputs: int, channels: int, expansion: int, kernel: int, stride: int
    ) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expand = _convolution(inputs, inner, 1) if expansion > 1 else nn.Identity()
        self.depthwise = _convolution(inner, inner, kernel, stride, groups=inner)
        self.excite = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(inner, max(1, inputs // 4), 1),
            nn.SiLU(),
            nn.Conv2d(max(1, inputs // 4), inner, 1),
            nn.Sigmoid(),
        )
        self.project = nn.Conv2d(inner, channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.shortcut = stride == 1 and inputs == channels

    def forward(self, images: Images) -> Float[torch.Tensor, "image _ _ _"]:
        """Features of the images."""
        inner = self.depthwise(self.expand(images))
        projected = self.norm(self.project(inner * self.excite(inner)))
        return images + projected if self.shortcut else projected


def normalise_by_batch(network: nn.Module) -> None:
    """Make all batch norms use each batch's own statistics, in evaluation mode too.

    For networks that have not been trained, which have no running statistics to use
    (docs/science/stability.md#before-training).
    """
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.track_running_stats = False
            norm.running_mean = norm.running_var = norm.num_batches_tracked = None


def _convolution(
    inputs: int, channels: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """A convolution of the same size, batch norm and SiLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, channels, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(channels),
        nn.SiLU(),
    )


def _side(shape: Shape, least: int, name: str) -> int:
    if shape[1] != shape[2] or shape[1] < least:
        raise ValueError(
            f"{name} needs square images of {least} pixels or more, not {shape[1]} x {shape[2]}"
        )
    return shape[1]
