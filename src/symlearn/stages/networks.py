"""Trained networks: histories as NetCDF, weights as safetensors beside them."""

import functools
import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import torch
import xarray as xr

from symlearn.errors import TrainingError
from symlearn.menu import registry
from symlearn.networks.build import build
from symlearn.networks.checkpoints import Checkpoints, write_tensors
from symlearn.networks.devices import DEVICES, choose_device, described, in_chunks
from symlearn.networks.ensemble import Ensemble, build_ensemble
from symlearn.networks.problems import Problem
from symlearn.networks.training import Run, recorded_epochs
from symlearn.pipeline.manifests import code_digest
from symlearn.pipeline.specs import canonical, modules_of
from symlearn.pipeline.stage import run_stage, stage_parser
from symlearn.randomness import seed_of

Spec = Mapping[str, Any]

_AT_ONCE = 64
# On the CPU, convolutions of larger images than this gain little by being done together (at 28 x 28
# pixels ten at once take .9 of the time, at 12 x 12 half of it), and take ten times the memory.
_SMALL = 20**2

# Kinds that are dense products, or attention, all through; `ntk` where its architecture is.
_DENSE = frozenset({"perceptron", "ntk", "orbit-pooled", "vision-transformer"})


def compute(
    spec: Spec, inputs: list[xr.Dataset], *, out: Path, device: str, seconds: float
) -> xr.Dataset:
    """Losses and accuracies (member, epoch) of the networks of a spec; writes their weights.

    Checkpoints lie in a folder beside `out` until all members are done.
    """
    (source,) = inputs
    where = choose_device(device)
    problem, members = _problem(source, spec)
    problem = problem.to(where, torch.float32)
    names = _names(members)
    seeds = [seed_of(spec["seed"], "weights", *name) for name in names]
    folder = out.with_suffix(".checkpoints")
    histories, weights = [], []

    def train(part: slice) -> Run:
        ensemble = _ensemble(problem, spec, seeds[part], where)
        run = Run(ensemble, problem.only(part), spec["recipe"], names[part], spec["seed"])
        label = f"{part.start}-{part.stop}"
        run.train(Checkpoints(folder / label, _identity(spec, label, where), seconds))
        return run

    for run in in_chunks(problem.members, _at_once(problem, spec, where), train):
        histories.append(run.history)
        trained = {name: value.cpu() for name, value in run.ensemble.state().items()}
        weights.append({**trained, **run.snapshots})
    result = _dataset(histories).assign(members)
    result = result.assign_coords(epoch=recorded_epochs(spec["recipe"]))
    joined = {name: torch.cat([state[name] for state in weights]) for name in weights[0]}
    about = {"spec": spec, "shape": problem.shape, "outputs": problem.outputs}
    # One entry: safetensors writes several in any order.
    metadata = {"about": json.dumps(about, sort_keys=True)}
    write_tensors(joined, out.with_suffix(".safetensors"), metadata)
    shutil.rmtree(folder, ignore_errors=True)
    return result.assign_attrs(spec["labels"])


def _problem(source: xr.Dataset, spec: Spec) -> tuple[Problem, xr.Dataset]:
    """The problem of a spec and what its members are; raises TrainingError where it has none."""
    maker = registry.PROBLEMS[spec["problem"]["kind"]]
    try:
        problem = registry.found(maker.module, maker.problem)(source, spec)
    except ValueError as error:
        raise TrainingError(str(error)) from None
    return problem, registry.found(maker.module, maker.members)(source, spec)


def _ensemble(problem: Problem, spec: Spec, seeds: Sequence[int], device: torch.device) -> Ensemble:
    """The networks at their start; raises TrainingError where they do not suit the images."""
    initial = functools.partial(build, spec["network"], problem.shape, problem.outputs)
    try:
        return build_ensemble(initial, seeds, device)
    except ValueError as error:
        raise TrainingError(str(error)) from None


def _names(members: xr.Dataset) -> list[tuple[int, ...]]:
    """What tells each member's random streams from the others'."""
    columns = [value.values.tolist() for value in members.values() if value.dims == ("member",)]
    return list(zip(*columns, strict=True))


def _at_once(problem: Problem, spec: Spec, device: torch.device) -> int:
    """How many members are trained side by side; what they compute does not depend on it."""
    network, large = spec["network"], prod(problem.shape) > _SMALL
    convolved = network.get("architecture", {}).get("kind") == "cnn"
    if device.type == "cpu" and large and (convolved or network["kind"] not in _DENSE):
        return 1
    return _AT_ONCE


def _identity(spec: Spec, members: str, device: torch.device) -> dict[str, str]:
    digest = hashlib.sha256(canonical(spec).encode()).hexdigest()
    code = code_digest(modules_of(spec))
    return {"spec": digest, "code": code, "members": members, "device": device.type}


def _dataset(histories: Sequence[Mapping[str, torch.Tensor]]) -> xr.Dataset:
    names = sorted(histories[0])  # a checkpoint gives them back in this order
    joined = {name: torch.cat([history[name] for history in histories]) for name in names}
    values = {name: (("member", "epoch"), value.numpy()) for name, value in joined.items()}
    return xr.Dataset(values)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns its exit status."""
    parser = stage_parser("networks", "Train an ensemble of networks.")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="default: %(default)s")
    parser.add_argument(
        "--checkpoint-seconds",
        type=float,
        default=60.0,
        metavar="S",
        help="least time between two checkpoints (default: %(default)g)",
    )
    given = parser.parse_args(argv)
    bound = functools.partial(
        compute, out=given.out, device=given.device, seconds=given.checkpoint_seconds
    )
    return run_stage("networks", given, bound, lambda _: _machine(given.device))


def _machine(device: str) -> dict[str, str]:
    return {"device": described(choose_device(device)), "precision": "float32"}
