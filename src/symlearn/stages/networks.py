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


class Training:
    """The trainings of a job: histories one by one, and the weights of all in one file."""

    def __init__(self, out: Path, device: str, seconds: float) -> None:
        self._out, self._device, self._seconds = out, device, seconds
        self._folder = out.with_suffix(".checkpoints")
        self._weights: dict[str, torch.Tensor] = {}
        self._about: dict[str, Any] = {}

    def compute(self, spec: Spec, inputs: list[xr.Dataset]) -> xr.Dataset:
        """Losses and accuracies (member, epoch) of the networks of a spec; keeps their weights.

        Checkpoints lie in a folder beside the job's file until the job is done.
        """
        source, *tests = inputs
        where = choose_device(self._device)
        problem, members = problem_of(source, spec, *tests)
        problem = problem.to(where, torch.float32)
        part = f"{len(self._about)}/"

        def checkpoints(label: str) -> Checkpoints:
            return Checkpoints(
                self._folder / part / label, _identity(spec, label, where), self._seconds
            )

        history, weights = train_members(problem, members, spec, where, checkpoints)
        self._about[part] = {"spec": spec, "shape": problem.shape, "outputs": problem.outputs}
        self._weights |= {part + name: tensor for name, tensor in weights.items()}
        return history.assign_attrs(spec["labels"])

    def finish(self) -> None:
        """Write the weights, each name after the number of its part, and drop the checkpoints."""
        # One entry: safetensors writes several in any order.
        about = {"about": json.dumps(self._about, sort_keys=True)}
        write_tensors(self._weights, weights_of(self._out), about)
        shutil.rmtree(self._folder, ignore_errors=True)


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
    training = Training(given.out, given.device, given.checkpoint_seconds)
    machine = functools.partial(_machine, device=given.device)
    return run_stage("networks", given, training.compute, machine, training.finish)


def _machine(spec: Spec, device: str) -> dict[str, str]:
    precision = spec["recipe"].get("precision", "float32")
    return {"device": described(choose_device(device)), "precision": precision}
