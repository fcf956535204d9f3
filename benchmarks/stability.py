"""A measurement of relative stability against the forward passes of the network alone."""

from importlib.metadata import version

import torch
from common import SIDE, blobs, machine, seconds
from torch import nn

from symlearn.measures.stability import (
    OUTPUT,
    Perturbation,
    mean_stability,
    measure,
    median_stability,
)
from symlearn.networks.convolutional import lenet, resnet
from symlearn.threads import thread_count

IMAGES, DRAWS = 500, 8


def main() -> None:
    """Print the ratio for a small and for a larger network, and the cost of the medians."""
    torch.set_num_threads(thread_count())
    print(f"{machine()}, torch {version('torch')}")
    images = torch.from_numpy(blobs(IMAGES)).float()[:, None]
    torch.manual_seed(0)
    compare("LeNet", lenet((1, SIDE, SIDE), 10), images)
    compare("ResNet-18 of width 8", resnet((1, SIDE, SIDE), 10, width=8), images)


def compare(name: str, network: nn.Module, images: torch.Tensor) -> None:
    """One measurement against 1 + 2 DRAWS passes over the images."""
    network.eval()
    perturbation = Perturbation.of_displacement(1.0, SIDE, draws=DRAWS)

    def passes() -> None:
        with torch.no_grad():
            for _ in range(1 + 2 * DRAWS):
                network(images)

    forward, _ = seconds(passes)
    whole, measurement = seconds(
        lambda: measure(network, images, perturbation, torch.Generator().manual_seed(0))
    )
    median, _ = seconds(lambda: median_stability(measurement.outputs), repeats=1)
    print(
        f"{name}, {len(images)} images, {DRAWS} draws: forward passes {forward:.2f} s, measurement "
        f"{whole:.2f} s, medians {median:.2f} s: {whole / forward:.2f} times the forward passes; "
        f"R = {mean_stability(measurement.layers[OUTPUT]).relative:.3f}"
    )


if __name__ == "__main__":
    main()
