"""Deformed images over temperature and cutoff, and how often the fields fold."""

import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import xarray as xr

from symlearn.measures.diffeo import (
    DeformationWarning,
    folded,
    remap,
    root_mean_square,
    sample_fields,
    temperature,
    temperature_range,
)
from symlearn.randomness import seed_of

# Nominal displacements of the statistics, as a share of the largest allowed.
_SHARES = 0.2 * np.arange(1, 11)


def compute(spec: Mapping[str, Any], _: list[xr.Dataset]) -> xr.Dataset:
    """A photograph under one field for each (cutoff, temperature), and statistics of many fields.

    Along a row of images the field is the same up to its size. The statistics are of fields on
    images of `side` pixels, over the nominal displacement as a share of the largest allowed and,
    for the folds, also at one pixel.
    """
    image = photograph()
    with warnings.catch_warnings():
        # Temperatures outside the allowed range are what is to be shown.
        warnings.simplefilter("ignore", DeformationWarning)
        rows = [_row(image, spec, cutoff) for cutoff in spec["cutoffs"]]
    return (
        xr.concat(rows, dim="cutoff")
        .assign(
            reference=(("row", "col"), image.numpy()),
            cutoff=("cutoff", np.array(spec["cutoffs"])),
            temperature=("temperature", np.array(spec["temperatures"])),
            displacement_share=("displacement_share", _SHARES),
        )
        .assign_attrs(fields=spec["fields"], side=spec["side"])
    )


def photograph() -> torch.Tensor:
    """The middle of scikit-learn's china.jpg in grey, 128 x 128 pixels in [0, 1]."""
    from sklearn.datasets import load_sample_image  # slow to import

    grey = load_sample_image("china.jpg").mean(axis=2)[21:405, 128:512] / 255
    return torch.from_numpy(grey.reshape(128, 3, 128, 3).mean(axis=(1, 3)))


def _row(image: torch.Tensor, spec: Mapping[str, Any], cutoff: int) -> xr.Dataset:
    lowest, highest = temperature_range(len(image), cutoff)
    (dx,), (dy,) = sample_fields(1, len(image), 1.0, cutoff, _stream(spec, cutoff))
    sizes = [math.sqrt(value) for value in spec["temperatures"]]
    deformed = np.stack([remap(image, size * dx, size * dy).numpy() for size in sizes])
    side = spec["side"]
    shares, moved = zip(
        *(_statistics(spec, side, highest * share**2, cutoff) for share in _SHARES),
        strict=True,
    )
    at_one_pixel, _ = _statistics(spec, side, temperature(1.0, side, cutoff), cutoff)
    return xr.Dataset(
        {
            "deformed": (("temperature", "row", "col"), deformed.astype(np.float32)),
            "unit_field": (("direction", "row", "col"), np.stack([dy, dx]).astype(np.float32)),
            "lowest_temperature": lowest,
            "highest_temperature": highest,
            "folded_share": ("displacement_share", np.array(shares)),
            "displacement": ("displacement_share", np.array(moved)),
            "expected_displacement": (
                "displacement_share",
                np.array([root_mean_square(highest * s**2, side, cutoff) for s in _SHARES]),
            ),
            "folded_share_at_one_pixel": at_one_pixel,
        }
    )


def _stream(spec: Mapping[str, Any], cutoff: int) -> torch.Generator:
    """The same for all temperatures of a cutoff."""
    return torch.Generator().manual_seed(seed_of(spec["seed"], "fields", cutoff))


def _statistics(
    spec: Mapping[str, Any], side: int, value: float, cutoff: int
) -> tuple[float, float]:
    """The share of fields that fold, and the root mean square displacement in pixels."""
    dx, dy = sample_fields(spec["fields"], side, value, cutoff, _stream(spec, cutoff))
    moved = math.sqrt((dx**2 + dy**2).mean().item())
    return folded(dx, dy).double().mean().item(), moved
