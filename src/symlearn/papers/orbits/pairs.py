"""Pairs of seed images: exact, spectral and orbit-block errors, and the geometry of the orbits."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from symlearn.groups import FiniteGroup, Subgroup, action_of
from symlearn.theory import (
    adjacent_distance,
    averaged_errors,
    centre_distance_squared,
    class_separation,
    coset_block_errors,
    cosine_normalised,
    exact_errors_by_pose,
    hermitian,
    interleaved,
    least_eigenvalues,
    mean_reciprocal,
    orbit_block_errors,
    orbit_radius,
    solve_grams,
    spectrum,
)
from symlearn.theory.missing_pose import scalar_predictions

Grams = Float[np.ndarray, "task point point"]

_LABELS = np.array([1.0, -1.0])


def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset]) -> xr.Dataset:
    """Errors (ridge_factor, task, orbit, pose) and geometry (task)."""
    kernels, orbits = inputs
    action, n = action_of(spec["group"]), int(kernels["n"])
    group = action.group(n)
    exact_part = Subgroup(group, action.exact(n))
    grams = kernels["gram"].values
    by_ridge = [_errors(grams, group, exact_part, factor) for factor in spec["ridge_factors"]]
    errors = xr.concat(by_ridge, dim="ridge_factor").assign_coords(
        ridge_factor=spec["ridge_factors"]
    )
    result = errors.assign(_geometry(grams, orbits["pixels"].values, group)).assign_coords(n=n)
    result = result.assign(source_image=kernels["source_image"])
    about = {"group": spec["group"], "moves": action.moves, "cyclic": int(group.is_cyclic)}
    return result.assign_attrs(spec["labels"], **about)


def _errors(grams: Grams, group: FiniteGroup, exact_part: Subgroup, factor: float) -> xr.Dataset:
    ridges = factor * np.trace(grams, axis1=1, axis2=2)
    alike = cosine_normalised(grams)
    solved = solve_grams(grams, ridges)
    exact = exact_errors_by_pose(solved, _LABELS[:, None])[..., 0] * _LABELS[:, None]
    block = orbit_block_errors(grams, 2, group, _LABELS, ridges) * _LABELS
    by_coset = coset_block_errors(grams, 2, exact_part, _LABELS, ridges) * _LABELS[:, None]
    by_coset = by_coset[..., exact_part.coset_of]
    return xr.Dataset(
        {
            **_from_one_row(grams, group, ridges),
            "exact": (("task", "orbit", "pose"), exact),
            "spectral": ("task", scalar_predictions(grams, group, ridges)),
            "spectral_normalised": (
                "task",
                scalar_predictions(alike, group, factor * len(alike[0])),
            ),
            "orbit_block": (("task", "orbit"), block),
            "coset_block": (("task", "orbit", "pose"), by_coset),
            "coset_difference": (("task", "orbit"), np.abs(by_coset - exact).mean(axis=-1)),
            "condition_number": ("task", solved.condition),
            "ridge": ("task", ridges),
        }
    )


def _from_one_row(
    grams: Grams, group: FiniteGroup, ridges: Float[np.ndarray, " task"]
) -> dict[str, Any]:
    """The prediction from the rows of pose 0 alone, and whether these belong to a kernel at all."""
    poses = grams.shape[1] // 2
    rows = grams.reshape(-1, 2, poses, 2, poses)[:, :, 0]
    averages = hermitian(rows, group)
    return {
        "one_row": (("task", "orbit"), averaged_errors(averages, group, _LABELS, ridges) * _LABELS),
        "one_row_reliable": ("task", least_eigenvalues(averages, group) + ridges > 0),
    }


def _geometry(
    grams: Grams,
    pixels: Float[np.ndarray, "task 2 pose row col"],
    group: FiniteGroup,
) -> dict[str, Any]:
    found = {
        "lambda_last": class_separation(grams),
        "centre_distance_squared": centre_distance_squared(pixels),
        "orbit_radius": orbit_radius(pixels),
    }
    if group.is_cyclic:  # only then do poses follow each other, and the circulant has a meaning
        order = interleaved(len(group))
        eigenvalues = spectrum(grams[:, order[:, None], order[None, :]])
        found |= {
            "mean_reciprocal": mean_reciprocal(eigenvalues),
            "adjacent_distance": adjacent_distance(pixels),
        }
    return {name: ("task", values) for name, values in found.items()}
