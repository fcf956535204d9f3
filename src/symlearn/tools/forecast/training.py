"""How much work the training of a cell's networks is: multiplications, forwards and backwards.

The real networks are counted, built without numbers. That takes torch, which takes seconds to
import, so that only what trains or reads networks asks for it.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from symlearn.counting import ImageShape, data_facts, image_shape, schedule
from symlearn.errors import ConfigError
from symlearn.pipeline.specs import Cell, canonical

_PASSES = 3  # forwards, and backwards to the weights and to the activations
# What a step costs beyond the products: moments read and written for each weight, and the calls.
_PER_WEIGHT, _PER_STEP = 20.0, 2.0e6


class NetworkCost(NamedTuple):
    """Of one network: multiplications for one image, and weights."""

    multiplications: int
    weights: int


def amount(cell: Cell) -> float:
    """The work of all steps of all networks of a cell, in multiplications."""
    networks, steps, batch = schedule(cell)
    cost = _cost(cell)
    twice = cell.settings["recipe"].get("invariance") or _of_views(cell)
    passes = _PASSES * (2 if twice else 1)
    products = batch * passes * cost.multiplications * _share(cell.settings["recipe"])
    step = products + _PER_WEIGHT * cost.weights + _PER_STEP
    return float(networks * steps * step)


def _share(recipe: Mapping[str, Any]) -> float:
    """What precision and layout leave of the time of the products (benchmarks/README.md)."""
    if recipe.get("precision") == "bfloat16":
        return 0.4
    return 0.6 if "layout" in recipe else 1.0


def one_pass(cell: Cell) -> float:
    """The multiplications of one image's pass through all networks of a cell."""
    return float(schedule(cell).networks * _cost(cell).multiplications)


def network_cost(network: Mapping[str, Any], shape: ImageShape, count: int) -> NetworkCost:
    """The cost of a network's entry with `count` outputs, on images of a shape.

    Products of matrices and convolutions count, also those of attention. Each distinct network is
    counted once in a process.
    """
    return _counted(canonical(network), shape, count)


@cache
def _counted(network: str, shape: ImageShape, count: int) -> NetworkCost:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from symlearn.networks.build import build

    with torch.device("meta"), torch.no_grad():
        module = build(json.loads(network), shape, count, seed=0).eval()
        with FlopCounterMode(display=False) as counter:
            module(torch.empty(1, *shape))
    # The counter takes a multiplication and an addition for two operations.
    products = counter.get_total_flops() // 2
    return NetworkCost(products, sum(weight.numel() for weight in module.parameters()))


def outputs(cell: Cell) -> int:
    """How many numbers the networks of a cell give: features, one for each class, or for a pair."""
    problem = cell.settings["problem"]
    if "features" in problem:
        return int(problem["features"])
    return 1 if problem["kind"] == "pairs" else data_facts(cell).classes


def trained_network(cell: Cell) -> Mapping[str, Any]:
    """The entry of a cell's network, without the objective around it that learns from views."""
    network: Mapping[str, Any] = cell.settings["network"]
    return network["network"] if _of_views(cell) else network


def _of_views(cell: Cell) -> bool:
    return bool(cell.settings["network"]["kind"] == "of-views")


def _cost(cell: Cell) -> NetworkCost:
    try:
        return network_cost(trained_network(cell), image_shape(cell), outputs(cell))
    except ValueError as error:  # it could not be trained either
        raise ConfigError(f"{cell.slug}: {error}") from None
