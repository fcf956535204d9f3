"""Ten classes, several seeds each: is the missing pose of each seed classified correctly?"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float

from symlearn.groups import FiniteGroup, Subgroup
from symlearn.papers.orbits.tasks import by_task
from symlearn.theory import (
    average_over_subgroup,
    averaged_errors,
    exact_errors_by_pose,
    solve_gram,
)
from symlearn.theory.spectral import pairwise_spectral_errors


def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset]) -> xr.Dataset:
    """Correctness by (task, orbit) when a pose is missing from all seeds of that orbit's class.

    Exact and orbit-block: one output per class, +1 and -1, the largest prediction wins; exact is
    given at every pose. Spectral: the paper's rule, right against each other class on average.
    """
    (kernels,) = inputs
    result = by_task(kernels, spec["group"], _correct)
    return result.assign(class_=kernels["class_"]).assign_attrs(spec["labels"])


def _correct(
    gram: Float[np.ndarray, "point point"], class_of: np.ndarray, group: FiniteGroup
) -> xr.Dataset:
    labels = 2.0 * np.eye(class_of.max() + 1)[class_of] - 1.0
    solved = solve_gram(gram)
    exact = labels[:, None, :] - exact_errors_by_pose(solved, labels)
    averages = average_over_subgroup(gram, len(labels), Subgroup.whole(group))
    block = labels - averaged_errors(averages, group, labels)
    return xr.Dataset(
        {
            "exact_correct": (("orbit", "pose"), exact.argmax(axis=-1) == class_of[:, None]),
            "orbit_block_correct": ("orbit", block.argmax(axis=-1) == class_of),
            "spectral_correct": ("orbit", right_against_all(averages, class_of)),
            "condition_number": solved.condition,
        }
    )


def right_against_all(
    averages: Float[np.ndarray, "orbit orbit element"], class_of: np.ndarray
) -> Bool[np.ndarray, " orbit"]:
    """The paper's multi-class rule: mean prediction above 0 against every class.

    See docs/science/orbits.md#several-seeds-and-ten-classes.
    """
    right = np.ones(len(class_of), dtype=bool)
    for own in range(class_of.max() + 1):
        first = class_of == own
        for other in set(range(class_of.max() + 1)) - {own}:
            errors = pairwise_spectral_errors(averages, first, class_of == other)
            right[first] &= (1.0 - errors).mean(axis=1) > 0
    return right
