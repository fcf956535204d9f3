"""One Lie derivative of a residual network, in forward passes, beside double backward."""

from importlib.metadata import version
from itertools import pairwise

import torch
import torch.nn.functional as F
from common import machine, seconds
from torch import nn

from symlearn.measures.lie import GENERATORS, Image, lie_derivative
from symlearn.measures.lie_action import act

PIXELS, CLASSES = 64, 10
BATCHES = (1, 4, 16)
REPEATS = 7


class Block(nn.Module):
    """Two 3 x 3 convolutions and what they are added to, as in ResNet-18."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            strided = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.shortcut = nn.Sequential(strided, nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The block's output."""
        branch = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(branch + self.shortcut(x))


def residual_network(seed: int = 0) -> nn.Module:
    """ResNet-18 with random weights, whose batch norms know the statistics of their inputs."""
    torch.manual_seed(seed)
    stem = [
        nn.Conv2d(3, 64, 7, 2, 3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
    ]
    widths = [64, 64, 64, 128, 128, 256, 256, 512, 512]
    blocks = [
        Block(inputs, outputs, 1 if inputs == outputs else 2)
        for inputs, outputs in pairwise(widths)
    ]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, CLASSES), nn.Softmax(dim=1)]
    network = nn.Sequential(*stem, *blocks, *head)
    with torch.no_grad():
        for _ in range(20):
            network(torch.randn(16, 3, PIXELS, PIXELS))
    return network.eval()


def double_backward(network: nn.Module, images: torch.Tensor, generator: str) -> torch.Tensor:
    """The same derivative from two backward passes, the second through the first."""
    tangent = act(images, Image(), GENERATORS[generator], "forward", images.shape[-2:])
    return torch.autograd.functional.jvp(network, images, tangent)[1]


def main() -> None:
    """Print the cost for several batch sizes, and how equal the two ways are."""
    print(f"{machine()}, torch {version('torch')}; torch runs {torch.get_num_threads()} threads")
    network = residual_network()
    for batch in BATCHES:
        images = torch.rand(batch, 3, PIXELS, PIXELS, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            forward, _ = seconds(lambda x=images: network(x), REPEATS)
        ours, found = seconds(lambda x=images: lie_derivative(network, x, "rotate"), REPEATS)
        theirs, expected = seconds(lambda x=images: double_backward(network, x, "rotate"), REPEATS)
        off = ((found - expected).abs().max() / expected.abs().max()).item()
        print(
            f"{batch} images: forward {1e3 * forward:.1f} ms; one derivative {ours / forward:.2f} "
            f"forward passes, by double backward {theirs / forward:.2f}; difference {off:.1e}"
        )


if __name__ == "__main__":
    main()
