"""The stripe model under the kernel of infinite width, which lazy training comes to."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from symlearn.papers.stability.stripe_theory import (
    infinite_width_kernel,
    sample_points,
    support_vector_error,
)
from symlearn.randomness import generator

_TESTED = 5000


def compute(spec: Mapping[str, Any], _: list[xr.Dataset]) -> xr.Dataset:
    """Test errors of the kernel's support vector machine (run), by number of points."""
    counts = [runs["points"] for runs in spec["runs"] for _ in range(runs["seeds"])]
    seeds = [seed for runs in spec["runs"] for seed in range(runs["seeds"])]
    errors = [_error(spec, *run) for run in zip(counts, seeds, strict=True)]
    return xr.Dataset(
        {
            "points": ("member", np.array(counts)),
            "seed": ("member", np.array(seeds)),
            "test_error": ("member", np.array(errors)),
        },
        attrs=dict(spec["labels"]),
    )


def _error(spec: Mapping[str, Any], count: int, seed: int) -> float:
    rng = generator(spec["seed"], "stripe kernel", count, seed)
    points, answers = sample_points(count, spec["dimension"], rng)
    test, truth = sample_points(_TESTED, spec["dimension"], rng)
    inside, outside = (infinite_width_kernel(some, points) for some in (points, test))
    return support_vector_error(inside, answers, outside, truth)
