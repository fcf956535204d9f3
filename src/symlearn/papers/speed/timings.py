"""What the work costs: seconds of kernels, theory and training by the sizes that they grow with.

Measured where the job runs, which has the cores that it measures on for itself, so this is the one
study whose numbers are not the same twice.
"""

import functools
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr

from symlearn.datasets.images import labelled_images
from symlearn.datasets.orbits import orbits_dataset
from symlearn.groups import action_of
from symlearn.kernels.of_orbits import grams_of_orbits
from symlearn.networks import on_orbits
from symlearn.networks.build import build
from symlearn.networks.devices import choose_device
from symlearn.networks.ensemble import build_ensemble
from symlearn.networks.training import Run
from symlearn.theory import exact_errors_by_pose, orbit_block_errors, solve_grams
from symlearn.threads import one_thread

Action = Callable[[], object]

_LABELS = np.array([1.0, -1.0])
_REPEATS = 3
_LONG = 0.5  # seconds; less is repeated
_STEPS = 20  # of training, in one measurement
# Exponents of the leading order of the operations. A Gram matrix has N^2 entries for each pair, of
# images as vectors or, convolved, of all pairs of their pixels; a dense solve is cubic in its
# points, and averaging a Gram matrix over the group reads it once.
PREDICTED: Mapping[str, Mapping[str, int]] = {
    "dense kernel": {"n": 2, "pairs": 1, "pixels": 1},
    "convolutional kernel": {"n": 2, "pairs": 1, "pixels": 2},
    "exact error": {"n": 3, "pairs": 1},
    "orbit-block error": {"n": 2, "pairs": 1},
    "training step": {"n": 1, "pairs": 1, "pixels": 1, "width": 1},
    "job": {"jobs": 1},
}


class Measurement(NamedTuple):
    """Seconds of some work, at a size along one axis (the others are the base's) on some cores."""

    work: str
    axis: str
    size: int
    cores: int
    seconds: float


def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset]) -> xr.Dataset:
    """Seconds (measurement) of each work by each axis; shortest of three, compilation left out.

    All on one core but the jobs, of which several cores have one each.
    """
    (dataset,) = inputs
    with one_thread():
        found = [*_by_size(spec, dataset), *_by_jobs(spec, dataset)]
    columns = dict(zip(Measurement._fields, zip(*found, strict=True), strict=True))
    return xr.Dataset(
        {name: ("measurement", np.array(column)) for name, column in columns.items()}
        | {"power": ("measurement", [PREDICTED[one.work][one.axis] for one in found])},
        attrs={
            **{f"base_{name}": size for name, size in spec["base"].items()},
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        },
    )


def _by_size(spec: Mapping[str, Any], dataset: xr.Dataset) -> Iterator[Measurement]:
    for axis, values in spec["axes"].items():
        for value in values:
            sizes = {**spec["base"], axis: value}
            orbits = _orbits(spec, dataset, sizes)
            name, size = axis, value
            if axis == "padding":
                name, size = "pixels", orbits.sizes["row"] * orbits.sizes["col"]
            for work, action in _works(spec, orbits, sizes["width"]).items():
                if name in PREDICTED[work]:
                    seconds = _seconds(action) / (_STEPS if work == "training step" else 1)
                    yield Measurement(work, name, size, 1, seconds)


def _orbits(spec: Mapping[str, Any], dataset: xr.Dataset, sizes: Mapping[str, int]) -> xr.Dataset:
    """The orbits of the first pairs of `rotations`, in other numbers and sizes."""
    task = {"draw": "pairs", "seed": spec["seed"], "start": 0, "stop": sizes["pairs"]}
    settings = {
        "group": spec["group"],
        "n": sizes["n"],
        "preparation": {"upsampling": 1, "padding": sizes["padding"]},
        "task": {**task, "classes": 2, "seeds_per_class": 1},
    }
    return orbits_dataset(labelled_images(dataset), settings)


def _works(spec: Mapping[str, Any], orbits: xr.Dataset, width: int) -> dict[str, Action]:
    group = action_of(spec["group"]).group(int(orbits["n"]))
    grams = _kernel(spec["dense"], orbits)["gram"].values
    ridges = np.zeros(len(grams))
    return {
        "dense kernel": lambda: _kernel(spec["dense"], orbits),
        "convolutional kernel": lambda: _kernel(spec["convolutional"], orbits),
        "exact error": lambda: exact_errors_by_pose(solve_grams(grams, ridges), _LABELS[:, None]),
        "orbit-block error": lambda: orbit_block_errors(grams, 2, group, _LABELS, ridges),
        "training step": _training(spec, orbits, width),
    }


def _kernel(architecture: Mapping[str, Any], orbits: xr.Dataset) -> xr.Dataset:
    return grams_of_orbits(orbits, _kernel_spec(architecture, orbits.attrs["group"]))


def _kernel_spec(architecture: Mapping[str, Any], group: str) -> dict[str, Any]:
    return {"architecture": architecture, "group": group, "kind": "ntk", "precision": "float64"}


def _training(spec: Mapping[str, Any], orbits: xr.Dataset, width: int) -> Action:
    """Gradient descent of the dense networks of figure 12, all pairs at once."""
    entry = {"kind": "ntk", "architecture": spec["dense"], "width": width}
    device = choose_device("cpu")
    problem = on_orbits.pairs(
        orbits, {"problem": {"in_coordinates": False, "seeds": 1, "steps": _STEPS}}
    ).to(device, torch.float32)
    recipe = {"optimizer": "gradient-descent", "epochs": 1, "learning_rate": 1e-3,
              "momentum": 0.9, "centred": False}  # fmt: skip
    members = range(problem.members)
    initial = functools.partial(build, entry, problem.shape, problem.outputs)
    ensemble = build_ensemble(initial, list(members), device)

    def train() -> None:
        Run(ensemble, problem, recipe, [(one,) for one in members], spec["seed"]).train(quiet=True)

    return train


def _by_jobs(spec: Mapping[str, Any], dataset: xr.Dataset) -> Iterator[Measurement]:
    """Jobs in a process each, as the pipeline runs them: Python, its libraries and one kernel."""
    orbits = _orbits(spec, dataset, spec["base"])
    job = functools.partial(grams_of_orbits, spec=_kernel_spec(spec["dense"], spec["group"]))
    for cores in spec["cores"]:
        for jobs in spec["jobs"]:
            start = time.perf_counter()
            with ProcessPoolExecutor(
                cores, mp_context=get_context("spawn"), max_tasks_per_child=1
            ) as pool:
                list(pool.map(job, [orbits] * jobs))
            yield Measurement("job", "jobs", jobs, cores, time.perf_counter() - start)


def _seconds(action: Action) -> float:
    """The shortest wall time of some runs after one that compiles; of less if they are long."""
    action()
    times: list[float] = []
    while len(times) < _REPEATS and sum(times) < _LONG:
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)
