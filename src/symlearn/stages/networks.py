"""Trained networks: histories as NetCDF, weights as safetensors beside them."""

import functools
import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import xarray as xr

from symlearn.networks.checkpoints import Checkpoints, write_tensors
from symlearn.networks.devices import DEVICES, choose_device, described
from symlearn.networks.members import problem_of, train_members
from symlearn.pipeline.manifests import code_digest
from symlearn.pipeline.provenance import weights_of
from symlearn.pipeline.specs import canonical, modules_of
from symlearn.pipeline.stage import run_stage, stage_parser

Spec = Mapping[str, Any]


def compute(
    spec: Spec, inputs: list[xr.Dataset], *, out: Path, device: str, seconds: float
) -> xr.Dataset:
    """Losses and accuracies (member, epoch) of the networks of a spec; writes their weights.

    Checkpoints lie in a folder beside `out` until all members are done.
    """
    (source,) = inputs
    where = choose_device(device)
    problem, members = problem_of(source, spec)
    problem = problem.to(where, torch.float32)
    folder = out.with_suffix(".checkpoints")

    def checkpoints(label: str) -> Checkpoints:
        return Checkpoints(folder / label, _identity(spec, label, where), seconds)

    history, weights = train_members(problem, members, spec, where, checkpoints)
    about = {"spec": spec, "shape": problem.shape, "outputs": problem.outputs}
    # One entry: safetensors writes several in any order.
    write_tensors(weights, weights_of(out), {"about": json.dumps(about, sort_keys=True)})
    shutil.rmtree(folder, ignore_errors=True)
    return history.assign_attrs(spec["labels"])


def _identity(spec: Spec, members: str, device: torch.device) -> dict[str, str]:
    """Which run checkpoints are of."""
    digest = hashlib.sha256(canonical(spec).encode()).hexdigest()
    code = code_digest(modules_of(spec))
    return {"spec": digest, "code": code, "members": members, "device": device.type}


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
