"""Several seeds per class, two classes: exact, pairwise-averaged spectral and orbit-block.

See docs/science/orbits.md#several-seeds-and-ten-classes.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

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
    """Errors by (task, orbit, pose) when a pose is missing from all seeds of a class."""
    (kernels,) = inputs
    result = by_task(kernels, spec["group"], _errors)
    return result.assign(source_image=kernels["source_image"]).assign_attrs(spec["labels"])


def _errors(
    gram: Float[np.ndarray, "point point"], class_of: np.ndarray, group: FiniteGroup
) -> xr.Dataset:
    labels = np.where(class_of == class_of[0], 1.0, -1.0)
    solved = solve_gram(gram)
    averages = average_over_subgroup(gram, len(labels), Subgroup.whole(group))
    pairwise = pairwise_spectral_errors(averages, labels > 0, labels < 0)
    exact = exact_errors_by_pose(solved, labels[:, None])[..., 0] * labels[:, None]
    return xr.Dataset(
        {
            "exact": (("orbit", "pose"), exact),
            "spectral": pairwise.mean(),
            "orbit_block": ("orbit", averaged_errors(averages, group, labels) * labels),
            "condition_number": solved.condition,
        }
    )
