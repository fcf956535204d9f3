"""Seconds of a training step by layout and precision, 64 images of CIFAR-10's shape, one thread."""

import time
from collections.abc import Mapping
from typing import Any

import torch
from common import machine
from torch.nn.functional import cross_entropy

from symlearn.menu.networks import model_of
from symlearn.networks.alone import Alone
from symlearn.networks.build import build
from symlearn.networks.devices import choose_device
from symlearn.networks.ensemble import Ensemble, build_ensemble

CPU, SHAPE, BATCH, STEPS = torch.device("cpu"), (3, 32, 32), 64, 8
RECIPES: Mapping[str, Mapping[str, str]] = {
    "plain": {},
    "channels last": {"layout": "channels-last"},
    "bfloat16": {"precision": "bfloat16"},
    "both": {"layout": "channels-last", "precision": "bfloat16"},
}
NETWORKS: Mapping[str, Mapping[str, Any]] = {
    "dense, 3 layers of 64": {"kind": "perceptron", "widths": [64, 64, 64]},
    "LeNet": {"kind": "lenet"},
    "AlexNet, width 16": {"kind": "alexnet", "width": 16},
    "VGG-16, width 16": {"kind": "vgg", "depth": 16, "width": 16},
    "VGG-16 with batch norm, width 16": {"kind": "vgg", "depth": 16, "width": 16, "norm": True},
    "resnet8-16": {"kind": "resnet", "width": 16, "blocks": [1, 1, 1]},
    "ResNet-18, width 16": {"kind": "resnet", "width": 16},
    "ResNet-18": {"kind": "resnet"},
    "EfficientNet-B0, width 8": {"kind": "efficientnet-b0", "width": 8},
}


def main() -> None:
    """Print milliseconds by network and recipe, then dense networks alone and stacked."""
    choose_device("cpu")
    torch.set_num_threads(1)
    print(f"{machine()}, torch {torch.__version__}")
    for name, entry in NETWORKS.items():
        took = (f"{how} {1e3 * alone(entry, recipe):.1f}" for how, recipe in RECIPES.items())
        print(f"{name}: {', '.join(took)} ms")
    dense = NETWORKS["dense, 3 layers of 64"]
    for count in (1, 3, 16):
        networks = build_ensemble(lambda seed: made(dense, seed), range(count), CPU)
        print(f"{count} dense networks stacked: {1e3 * step(networks) / count:.2f} ms for each")


def made(entry: Mapping[str, Any], seed: int) -> torch.nn.Module:
    """The network of an entry."""
    return build(model_of(entry).model_dump(), SHAPE, 10, seed)


def alone(entry: Mapping[str, Any], recipe: Mapping[str, str]) -> float:
    """Processor seconds of a step of one network under a recipe."""
    network = made(entry, 0)
    return step(Alone(network, CPU, recipe) if recipe else Ensemble([network], CPU))


def step(networks: Ensemble) -> float:
    """Processor seconds of a step of SGD, the shortest of a few."""
    images = torch.rand(networks.size, BATCH, *SHAPE)
    targets = torch.randint(10, (networks.size * BATCH,))
    generators = [torch.Generator().manual_seed(seed) for seed in range(networks.size)]
    parameters = list(networks.parameters.values())
    optimizer = torch.optim.SGD(parameters, 0.01, momentum=0.9, fused=True)
    times = []
    for _ in range(STEPS):
        start = time.process_time()
        outputs = networks.training_outputs(images, generators).flatten(0, 1)
        optimizer.zero_grad()
        cross_entropy(outputs, targets).backward()
        optimizer.step()
        times.append(time.process_time() - start)
    return min(times)


if __name__ == "__main__":
    main()
