"""Trainings on a stripe or a cylinder: amplification, test error, stability and weights."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import xarray as xr

from symlearn.papers.stability.stripe_network import Limits, OneHiddenLayer, Training, train
from symlearn.papers.stability.stripe_theory import (
    Labels,
    Points,
    label_projection,
    relative_stability,
    sample_points,
    support_vector_error,
)
from symlearn.randomness import generator, seed_of

_TRACED = 150  # steps that are kept, evenly spread
_SHIFT = 0.1  # size of the shifts and of the noise, in units of the root of the dimension
_LAZY = 1.0  # scale from which F is a small difference, for which single precision is too coarse
_TESTED = 2000  # test points of kernels and of shifts
_VECTORS = 10  # eigenvectors of the kernel whose share of the labels is kept


def precision(spec: Mapping[str, Any]) -> torch.dtype:
    """Double only where the scale is that of lazy training."""
    return torch.float64 if spec["alpha"] >= _LAZY else torch.float32


def compute(spec: Mapping[str, Any], _: list[xr.Dataset]) -> xr.Dataset:
    """One training for each seed (dim `member`), and the weights of the first on the way."""
    trainings = [_train(spec, seed) for seed in spec["seeds"]]
    found = [_one(t, spec, seed) for t, seed in zip(trainings, spec["seeds"], strict=True)]
    joined = xr.concat(found, dim="member").merge(_weights(trainings[0]))
    return joined.assign_attrs(spec["labels"])


def _one(training: Training, spec: Mapping[str, Any], seed: int) -> xr.Dataset:
    test, answers = _points(spec, seed, "test", spec["test_points"])
    stability = relative_stability(
        lambda points: _predict(training, points),
        test[:_TESTED],
        _SHIFT,
        generator(spec["seed"], "stripe shifts", spec["points"], seed),
        spec["parallel"],
    )
    steps = len(training.time)
    kept = np.linspace(0, steps - 1, _TRACED).round().astype(int)
    at_fit = training.fit if training.fit is not None else steps - 1
    return xr.Dataset(
        {
            "flow_time": ("step", training.time[kept]),
            "fitted": ("step", training.fitted[kept]),
            "amplification": ("step", training.amplification[kept]),
            "time_at_fit": training.time[at_fit],
            "amplification_at_fit": training.amplification_at_fit,
            "converged": training.converged,
            "test_error": (_predict(training, test) * answers <= 0).mean(),
            "relative_stability": stability.relative,
            "noise_response": stability.noisy,
            "seed": seed,
            **_kernels(training, spec, seed),
        }
    )


def _kernels(training: Training, spec: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """What the tangent kernels before and after training know; NaN for too many points.

    Cost: two kernels of the training and the test points, and their support vector machines.
    """
    moments = {"initial": training.initial, "final": training.final}
    if spec["points"] > spec["kernels_up_to"]:
        return {f"{name}_{what}": np.nan for name in moments for what in ("error", "projection")}
    (points, answers), (test, truth) = (
        _points(spec, seed, "train", spec["points"]),
        _points(spec, seed, "test", _TESTED),
    )
    found = {}
    for name, network in moments.items():
        double = OneHiddenLayer(network.parameters.double())
        inside, outside = (
            double.tangent_kernel(torch.from_numpy(some), torch.from_numpy(points)).numpy()
            for some in (points, test)
        )
        found[f"{name}_error"] = support_vector_error(inside, answers, outside, truth)
        found[f"{name}_projection"] = label_projection(inside, answers, _VECTORS).sum()
    return found


def _weights(training: Training) -> xr.Dataset:
    """Weights and amplitudes of the units at the start, at t* and at the end."""
    networks = (training.initial, training.at_fit, training.final)
    moments = torch.stack([network.parameters for network in networks])
    return xr.Dataset(
        {
            "unit_weight": (("moment", "unit", "coordinate"), moments[..., :-2].numpy()),
            "unit_amplitude": (("moment", "unit"), moments[..., -1].numpy()),
        },
        {"moment": ["start", "t*", "end"]},
    )


def _train(spec: Mapping[str, Any], seed: int) -> Training:
    points, answers = _points(spec, seed, "train", spec["points"])
    stream = torch.Generator().manual_seed(seed_of(spec["seed"], "stripe network", seed))
    dtype = precision(spec)
    network = OneHiddenLayer.initial(spec["dimension"], spec["width"], stream, dtype)
    return train(
        network,
        torch.from_numpy(points).to(dtype),
        torch.from_numpy(answers).to(dtype),
        spec["alpha"],
        Limits(**spec["limits"]),
        spec["parallel"],
    )


def _points(spec: Mapping[str, Any], seed: int, part: str, count: int) -> tuple[Points, Labels]:
    """Independent of the regime, so that all see the same points."""
    rng = generator(spec["seed"], "stripe", part, spec["points"], seed)
    return sample_points(count, spec["dimension"], rng, spec["parallel"])


def _predict(training: Training, points: Points) -> np.ndarray:
    dtype = training.initial.parameters.dtype
    return training.predict(torch.from_numpy(points).to(dtype)).double().numpy()
