"""Stability of trained networks over the size, the cutoff and the interpolation of deformations.

See docs/science/stability.md#over-displacement-and-cut-off.
"""

import itertools
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import nn

from symlearn.measures.diffeo import DeformationWarning
from symlearn.measures.stability import (
    OUTPUT,
    Perturbation,
    Stability,
    mean_stability,
    measure,
)
from symlearn.networks.held_out import held_out
from symlearn.networks.trained import split_inputs
from symlearn.papers.stability.relative_stability import MOMENTS, networks_at, precision
from symlearn.randomness import seed_of

INTERPOLATIONS = ("bilinear", "gaussian")


def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset], weights: list[Path]) -> xr.Dataset:
    """R, D and G of the output (moment, interpolation, cutoff, nominal_displacement, member).

    All networks see the same images and, for one cutoff, the same fields up to their size. Also at
    temperatures outside the allowed range, which the authors scan too.
    """
    networks, (dataset,) = split_inputs(inputs, weights)
    (cell,) = networks
    images, _ = held_out(cell, dataset, spec["images"], precision(spec))
    grid = (INTERPOLATIONS, spec["cutoffs"], spec["displacements"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeformationWarning)
        values = np.array(
            [
                [
                    [
                        _stability(network, images, spec, *point)
                        for point in itertools.product(*grid)
                    ]
                    for network in networks_at(cell, moment)[: spec["seeds"]]
                ]
                for moment in MOMENTS
            ]
        )
    values = values.reshape(*values.shape[:2], *map(len, grid), len(Stability._fields))
    dims = ("moment", "member", "interpolation", "cutoff", "nominal_displacement")
    named = zip(Stability._fields, np.moveaxis(values, -1, 0), strict=True)
    return xr.Dataset(
        {f"{name}_stability": (dims, one) for name, one in named},
        {
            "moment": list(MOMENTS),
            "interpolation": list(INTERPOLATIONS),
            "cutoff": spec["cutoffs"],
            "nominal_displacement": spec["displacements"],
        },
        {"side": images.shape[-1]},
    )


def _stability(
    network: nn.Module,
    images: torch.Tensor,
    spec: Mapping[str, Any],
    interpolation: Any,
    cutoff: int,
    displacement: float,
) -> Stability:
    perturbation = Perturbation.of_displacement(
        displacement, images.shape[-1], cutoff, spec["draws"], interpolation
    )
    stream = torch.Generator().manual_seed(seed_of(spec["seed"], "deformations", cutoff))
    return mean_stability(measure(network, images, perturbation, stream).layers[OUTPUT])
