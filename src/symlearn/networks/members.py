"""All networks of a spec: built, trained some at a time, and put together again."""

import functools
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import torch
import xarray as xr

from symlearn.errors import TrainingError
from symlearn.menu import lookup, registry
from symlearn.networks.alone import Alone, trains_alone
from symlearn.networks.build import build
from symlearn.networks.checkpoints import Checkpoints, Tensors
from symlearn.networks.devices import in_chunks
from symlearn.networks.ensemble import Ensemble, build_ensemble
from symlearn.networks.problems import Problem
from symlearn.networks.training import Run, recorded_epochs
from symlearn.randomness import seed_of

Spec = Mapping[str, Any]

_AT_ONCE = 64
# On the CPU, convolutions of larger images than this gain little by being done together (at 28 x 28
# pixels ten at once take .9 of the time, at 12 x 12 half of it), and take ten times the memory.
_SMALL = 20**2

# Kinds that are dense products, or attention, all through; `ntk` where its architecture is.
_DENSE = frozenset({"perceptron", "ntk", "orbit-pooled", "vision-transformer"})


def problem_of(source: xr.Dataset, spec: Spec, *tests: xr.Dataset) -> tuple[Problem, xr.Dataset]:
    """The problem of a spec and what its members are; raises TrainingError where it has none.

    `tests` is the test set, of a spec that names one.
    """
    maker = registry.PROBLEMS[spec["problem"]["kind"]]
    try:
        problem = lookup.found(maker.module, maker.problem)(source, spec, *tests)
    except ValueError as error:
        raise TrainingError(str(error)) from None
    return problem, lookup.found(maker.module, maker.members)(source, spec)


def train_members(
    problem: Problem,
    members: xr.Dataset,
    spec: Spec,
    device: torch.device,
    checkpoints: Callable[[str], Checkpoints],
) -> tuple[xr.Dataset, Tensors]:
    """Losses and accuracies (member, epoch) of all networks, and their weights by name.

    `checkpoints` gives those of the members that a label names. Raises TrainingError where networks
    do not suit the images, a loss is not finite, or the device's memory is too small.
    """
    names = _names(members)
    seeds = [seed_of(spec["seed"], "weights", *name) for name in names]
    histories, weights = [], []

    def train(part: slice) -> Run:
        ensemble = _ensemble(problem, spec, seeds[part], device)
        run = Run(ensemble, problem.only(part), spec["recipe"], names[part], spec["seed"])
        run.train(checkpoints(f"{part.start}-{part.stop}"))
        return run

    for run in in_chunks(problem.members, _at_once(problem, spec, device), train):
        histories.append(run.history)
        trained = {name: value.cpu() for name, value in run.ensemble.state().items()}
        weights.append({**trained, **run.snapshots})
    joined = {name: torch.cat([state[name] for state in weights]) for name in weights[0]}
    history = _dataset(histories).assign(members)
    return history.assign_coords(epoch=recorded_epochs(spec["recipe"])), joined


def _ensemble(problem: Problem, spec: Spec, seeds: Sequence[int], device: torch.device) -> Ensemble:
    """The networks at their start."""
    initial = functools.partial(build, spec["network"], problem.shape, problem.outputs)
    try:
        if trains_alone(spec["recipe"]):
            (seed,) = seeds
            return Alone(initial(seed), device, spec["recipe"])
        return build_ensemble(initial, seeds, device)
    except ValueError as error:
        raise TrainingError(str(error)) from None


def _names(members: xr.Dataset) -> list[tuple[int, ...]]:
    """What tells each member's random streams from the others'."""
    columns = [value.values.tolist() for value in members.values() if value.dims == ("member",)]
    return list(zip(*columns, strict=True))


def _at_once(problem: Problem, spec: Spec, device: torch.device) -> int:
    """How many members are trained side by side; what they compute does not depend on it."""
    if trains_alone(spec["recipe"]):
        return 1
    network, large = spec["network"], prod(problem.shape) > _SMALL
    convolved = network.get("architecture", {}).get("kind") == "cnn"
    if device.type == "cpu" and large and (convolved or network["kind"] not in _DENSE):
        return 1
    return _AT_ONCE


def _dataset(histories: Sequence[Mapping[str, torch.Tensor]]) -> xr.Dataset:
    names = sorted(histories[0])  # a checkpoint gives them back in this order
    joined = {name: torch.cat([history[name] for history in histories]) for name in names}
    values = {name: (("member", "epoch"), value.numpy()) for name, value in joined.items()}
    return xr.Dataset(values)
