"""How much work the training of a cell's networks is: multiplications, forwards and backwards."""

import json
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from math import prod
from typing import Any, NamedTuple

from symlearn.menu.datasets import DATASETS
from symlearn.menu.layers import Convolution, Dense, Flatten, GlobalAveragePool, layers_of
from symlearn.pipeline.specs import Cell, canonical

_CLASSES = 10
_PASSES = 3  # forwards, and backwards to the weights and to the activations
# What a step costs beyond the products: moments read and written for each weight, and the calls.
_PER_WEIGHT, _PER_STEP = 20.0, 2.0e6


class Cost(NamedTuple):
    """Of one network: multiplications for one image, and weights."""

    multiplications: float
    weights: float


def amount(cell: Cell) -> float:
    """The work of all steps of all networks of a cell, in multiplications."""
    settings = cell.settings
    members, steps, batch = _schedule(cell)
    cost = network_cost(settings["network"], _shape(cell))
    passes = _PASSES * (2 if settings["recipe"].get("invariance") else 1)
    step = batch * passes * cost.multiplications + _PER_WEIGHT * cost.weights + _PER_STEP
    return float(members * steps * step)


def one_pass(cell: Cell) -> float:
    """The multiplications of one image's pass through all networks of a cell."""
    members, _, _ = _schedule(cell)
    return members * network_cost(cell.settings["network"], _shape(cell)).multiplications


def network_cost(network: Mapping[str, Any], shape: tuple[int, int, int]) -> Cost:
    """The cost of a network's entry on images of `shape` (channel, row, col)."""
    match network["kind"]:
        case "perceptron":
            weights = _dense([prod(shape), *network["widths"], _CLASSES])
            return Cost(weights, weights)
        case "convnet":
            return _convnet(network, shape)
        case "vision-transformer" | "plain-transformer":
            return _transformer(network, shape)
        case "ntk":
            return _ntk(network, shape)
    return _counted(canonical(network), shape)


@cache
def _counted(network: str, shape: tuple[int, int, int]) -> Cost:
    """As its layers do on an image without values; for kinds without a formula here."""
    import torch  # slow, and needed for few plans
    from torch import nn

    from symlearn.networks.build import build

    products = 0.0

    def count(layer: nn.Module, _: object, output: torch.Tensor) -> None:
        nonlocal products
        assert isinstance(layer, nn.Linear | nn.Conv2d)
        products += output.numel() * layer.weight[0].numel()

    module = build(json.loads(network), shape, _CLASSES, seed=0).eval()
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            layer.register_forward_hook(count)
    with torch.no_grad():
        module(torch.zeros(1, *shape))
    return Cost(products, float(sum(p.numel() for p in module.parameters())))


def _dense(widths: list[int]) -> float:
    return float(sum(before * after for before, after in pairwise(widths)))


def _convnet(network: Mapping[str, Any], shape: tuple[int, int, int]) -> Cost:
    first, second = network["channels"]
    once, twice = shape[1] - 4, (shape[1] - 4) // 2 - 2
    filters = (shape[0] * first * 25, first * second * 9)
    dense = _dense([second * (twice // 2) ** 2, network["hidden"], _CLASSES])
    return Cost(filters[0] * once**2 + filters[1] * twice**2 + dense, sum(filters) + dense)


def _transformer(network: Mapping[str, Any], shape: tuple[int, int, int]) -> Cost:
    tokens = shape[1] * shape[2] // network["patch"] ** 2
    width, inner = network["width"], network["heads"] * network["head_width"]
    block = 4 * width * inner + 2 * width * network["mlp_width"]
    weights = float(network["depth"] * block + network["patch"] ** 2 * shape[0] * width)
    attention = network["depth"] * 2 * tokens**2 * inner
    return Cost(tokens * weights + attention, weights)


def _ntk(network: Mapping[str, Any], shape: tuple[int, int, int]) -> Cost:
    layers, width = layers_of(network["architecture"]), network["width"]
    channels, pixels = shape[0], shape[1] * shape[2]
    multiplications = weights = 0.0
    for position, layer in enumerate(layers):
        after = 1 if position == len(layers) - 1 else width
        match layer:
            case Dense():
                weights += channels * after
                multiplications += channels * after
                channels = after
            case Convolution(size):
                weights += channels * after * size**2
                multiplications += channels * after * size**2 * pixels
                channels = after
            case GlobalAveragePool():
                pixels = 1
            case Flatten():
                channels, pixels = channels * pixels, 1
    return Cost(multiplications, weights)


def _schedule(cell: Cell) -> tuple[int, float, float]:
    """Networks, steps of each, and images in a step."""
    problem, recipe = cell.settings["problem"], cell.settings["recipe"]
    epochs = recipe["epochs"]
    if problem["kind"] == "partial-rotations":
        images = (
            problem["images"] or _CLASSES * DATASETS[cell.inputs[0].settings["name"]].smallest_class
        )
        return len(problem["members"]), *_epochs(0.88 * images * problem["n"], recipe)
    if problem["kind"] == "classification":
        return len(problem["seeds"]), *_epochs(float(problem["train"]), recipe)
    task, n = cell.inputs[0].settings["task"], cell.inputs[0].settings["n"]
    if problem["kind"] == "classes":
        points = float(_CLASSES * task["seeds_per_class"] * n)
        return len(problem["left_out"]), *_epochs(points, recipe)
    tasks = task["stop"] - task["start"]
    return 2 * tasks * problem["seeds"], float(epochs * problem["steps"]), float(2 * n - 1)


def _epochs(points: float, recipe: Mapping[str, Any]) -> tuple[float, float]:
    batch = float(min(recipe["batch"], points))
    return recipe["epochs"] * points / batch, batch


def _shape(cell: Cell) -> tuple[int, int, int]:
    problem = cell.settings["problem"]
    if problem.get("in_coordinates"):
        return (1, 1, 2 * cell.inputs[0].settings["n"])
    orbits = cell.inputs[0]
    data = orbits.inputs[0] if orbits.stage == "orbits" else orbits
    preparation = problem.get("preparation") or orbits.settings["preparation"]
    facts = DATASETS[data.settings["name"]]
    side = facts.side * preparation["upsampling"]
    side += 2 * preparation["padding"]
    return (facts.channels, side, side)
