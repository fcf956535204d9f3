"""How much work the training of a cell's networks is: multiplications, forwards and backwards.

The real networks are counted, built without numbers. That takes torch, which takes seconds to
import, so that only what trains or reads networks asks for it.
"""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from symlearn.errors import ConfigError
from symlearn.menu.datasets import DATASETS, Facts
from symlearn.papers.orbits.shares import epoch_points
from symlearn.pipeline.specs import Cell, canonical

Shape = tuple[int, int, int]  # channels, rows, columns

_PASSES = 3  # forwards, and backwards to the weights and to the activations
# What a step costs beyond the products: moments read and written for each weight, and the calls.
_PER_WEIGHT, _PER_STEP = 20.0, 2.0e6


class NetworkCost(NamedTuple):
    """Of one network: multiplications for one image, and weights."""

    multiplications: int
    weights: int


class Schedule(NamedTuple):
    """How many networks a cell trains, steps of each, and images in a step."""

    networks: int
    steps: int
    batch: int


def amount(cell: Cell) -> float:
    """The work of all steps of all networks of a cell, in multiplications."""
    networks, steps, batch = schedule(cell)
    cost = _cost(cell)
    passes = _PASSES * (2 if cell.settings["recipe"].get("invariance") else 1)
    step = batch * passes * cost.multiplications + _PER_WEIGHT * cost.weights + _PER_STEP
    return float(networks * steps * step)


def one_pass(cell: Cell) -> float:
    """The multiplications of one image's pass through all networks of a cell."""
    return float(schedule(cell).networks * _cost(cell).multiplications)


def network_cost(network: Mapping[str, Any], shape: Shape, count: int) -> NetworkCost:
    """The cost of a network's entry with `count` outputs, on images of a shape.

    Products of matrices and convolutions count, also those of attention. Each distinct network is
    counted once in a process.
    """
    return _counted(canonical(network), shape, count)


@cache
def _counted(network: str, shape: Shape, count: int) -> NetworkCost:
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


def schedule(cell: Cell) -> Schedule:
    """What the training of a cell's networks consists of; nothing for an unknown problem."""
    return _SCHEDULES.get(cell.settings["problem"]["kind"], _unknown)(cell)


def image_shape(cell: Cell) -> Shape:
    """What the networks of a cell are built for: channels, rows and columns."""
    problem, source, facts = cell.settings["problem"], cell.inputs[0], _facts(cell)
    preparation = problem.get("preparation") or source.settings["preparation"]
    side = facts.side * preparation["upsampling"] + 2 * preparation["padding"]
    if problem.get("in_coordinates"):  # of the span of a pair's points
        return (1, 1, min(2 * source.settings["n"], side**2))
    return (facts.channels, side, side)


def outputs(cell: Cell) -> int:
    """How many numbers the networks of a cell give: one for each class, or one for a pair."""
    return 1 if cell.settings["problem"]["kind"] == "pairs" else _facts(cell).classes


def _cost(cell: Cell) -> NetworkCost:
    try:
        return network_cost(cell.settings["network"], image_shape(cell), outputs(cell))
    except ValueError as error:  # it could not be trained either
        raise ConfigError(f"{cell.slug}: {error}") from None


def _unknown(cell: Cell) -> Schedule:
    return Schedule(0, 0, 0)


def _partial_rotations(cell: Cell) -> Schedule:
    problem, facts = cell.settings["problem"], _facts(cell)
    each = (problem["images"] or facts.images) // facts.classes
    points = epoch_points(each * facts.classes, problem["n"], each)
    return _in_batches(len(problem["members"]), points, cell)


def _classification(cell: Cell) -> Schedule:
    problem = cell.settings["problem"]
    return _in_batches(len(problem["seeds"]), problem["train"], cell)


def _classes(cell: Cell) -> Schedule:
    orbits, problem = cell.inputs[0].settings, cell.settings["problem"]
    seeds = orbits["task"]["seeds_per_class"]
    points = (len(orbits["task"]["classes"]) * orbits["n"] - 1) * seeds
    return _in_batches(len(problem["left_out"]), points, cell)


def _pairs(cell: Cell) -> Schedule:
    orbits, problem = cell.inputs[0].settings, cell.settings["problem"]
    tasks = orbits["task"]["stop"] - orbits["task"]["start"]
    steps = cell.settings["recipe"]["epochs"] * problem["steps"]
    return Schedule(2 * tasks * problem["seeds"], steps, 2 * orbits["n"] - 1)


# How long the trainings of each problem are. A new problem has a function here; until then its
# trainings are not counted, and cost the most of their stage.
_SCHEDULES: Mapping[str, Callable[[Cell], Schedule]] = {
    "partial-rotations": _partial_rotations,
    "classification": _classification,
    "classes": _classes,
    "pairs": _pairs,
}


def _in_batches(networks: int, points: int, cell: Cell) -> Schedule:
    """Epochs of whole batches, of so many points."""
    recipe = cell.settings["recipe"]
    batch = min(recipe["batch"], points)
    return Schedule(networks, recipe["epochs"] * (points // batch), batch)


def _facts(cell: Cell) -> Facts:
    """Those of the data set that the networks' images come from."""
    source = cell.inputs[0]
    data = source.inputs[0] if source.stage == "orbits" else source
    return DATASETS[data.settings["name"]]
