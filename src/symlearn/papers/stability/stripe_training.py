"""Trainings on a stripe or a cylinder: amplification, test error, stability and weights."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
import xarray as xr

from symlearn.papers.stability.stripe_network import Limits, OneHiddenLayer, Training, train
from symlearn.papers.stability.stripe_theory import (
    Labels,
    Points,
    compressed,
    infinite_width_kernel,
    label_projection,
    predicted_amplification,
    relative_stability,
    sample_points,
    support_vector_error,
)
from symlearn.randomness import generator, seed_of

Kernel = Callable[[Points, Points], np.ndarray]

_TRACED = 150  # steps that are kept, evenly spread
_SHIFT = 0.1  # size of the shifts and of the noise, in units of the root of the dimension
_LAZY = 1.0  # scale from which F is a small difference, for which single precision is too coarse
_TESTED = 2000  # test points of kernels and of shifts
_OF_KERNELS = (
    "initial_error", "final_error", "last_layer_error", "stretched_error", "initial_projection",
    "final_projection",
)  # fmt: skip
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
            "amplification_predicted": _predicted(spec, seed),
            "converged": training.converged,
            "test_error": (_predict(training, test) * answers <= 0).mean(),
            "relative_stability": stability.relative,
            "noise_response": stability.noisy,
            "seed": seed,
            **_kernels(training, spec, seed),
        }
    )


def _predicted(spec: Mapping[str, Any], seed: int) -> float:
    rng = generator(spec["seed"], "stripe ascents", spec["points"], seed)
    points, answers = _points(spec, seed, "train", spec["points"])
    return predicted_amplification(points, answers, rng, spec["parallel"])


def _kernels(training: Training, spec: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Errors of kernels, and what the tangent kernels know of the labels; NaN for too many points.

    Cost: four kernels of the training and the test points, and their support vector machines.
    """
    if spec["points"] > spec["kernels_up_to"]:
        return dict.fromkeys(_OF_KERNELS, np.nan)
    (points, answers), (test, truth) = (
        _points(spec, seed, "train", spec["points"]),
        _points(spec, seed, "test", _TESTED),
    )
    solved: dict[str, Any] = dict.fromkeys(_OF_KERNELS, np.nan)
    for name, kernel in _kernels_of(training, spec).items():
        inside, outside = kernel(points, points), kernel(test, points)
        solved[f"{name}_error"] = support_vector_error(inside, answers, outside, truth)
        if f"{name}_projection" in _OF_KERNELS:
            solved[f"{name}_projection"] = label_projection(inside, answers, _VECTORS).sum()
    return solved


def _kernels_of(training: Training, spec: Mapping[str, Any]) -> dict[str, Kernel]:
    """The network's kernels, and that of infinite width on points compressed as it does at t*."""
    initial, final = (
        OneHiddenLayer(network.parameters.double())
        for network in (training.initial, training.final)
    )
    found = {
        "initial": _on_arrays(initial.tangent_kernel),
        "final": _on_arrays(final.tangent_kernel),
        "last_layer": _on_arrays(final.last_layer_kernel),
    }
    factor = training.amplification_at_fit
    if np.isfinite(factor):
        parallel = spec["parallel"]
        found["stretched"] = lambda first, second: infinite_width_kernel(
            compressed(first, factor, parallel), compressed(second, factor, parallel)
        )
    return found


def _on_arrays(kernel: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Kernel:
    return lambda first, second: kernel(torch.from_numpy(first), torch.from_numpy(second)).numpy()


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
