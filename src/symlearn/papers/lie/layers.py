"""Which layers of a trained network break a symmetry: exact terms of its Lie derivative."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import nn

from symlearn.measures.class_probabilities import probabilities
from symlearn.measures.layer_kinds import Layer, layer_runs
from symlearn.measures.layers import decompositions, operations_of
from symlearn.networks.held_out import held_out
from symlearn.networks.trained import split_inputs

Images = Float[torch.Tensor, "image channel row col"]

# Affine transformations; the other translation, shear and stretch are these along columns.
AFFINE = ("translate_x", "rotate", "hyperbolic", "scale", "shear_x", "stretch_x")
STENCILS = ("forward", "central", "spectral")


class _Terms(NamedTuple):
    """Of one network, by stencil and generator, and by layer or image."""

    squares: Float[np.ndarray, "stencil generator layer image"]
    whole: Float[np.ndarray, "stencil generator image"]
    closure: Float[np.ndarray, "stencil generator"]


def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset], weights: list[Path]) -> xr.Dataset:
    """The squared norm of each layer's term, image by image, by each stencil.

    In 64 bits, of the probabilities at test images; under the first generator also by `forward`
    in 32 bits, as the released code runs. With the squared norm of the whole derivative, and the
    largest difference between the derivative and the sum of its terms, relative to the
    derivative's largest entry. Cost for each image: a trace, and a backward pass for each class.
    """
    (cell,), (dataset,) = split_inputs(inputs, weights)
    images, _ = held_out(cell, dataset, spec["images"])
    networks = cell.networks(dtype=torch.float64)
    runs = layer_runs(networks[0], operations_of(networks[0], images[:1]))
    found = [_terms(network, images, runs, STENCILS, AFFINE) for network in networks]
    single = [
        _terms(network, images.float(), runs, STENCILS[:1], AFFINE[:1]).squares[0, 0]
        for network in cell.networks(dtype=torch.float32)
    ]
    by_network = ("member", "stencil", "generator")
    return xr.Dataset(
        {
            "contribution": ((*by_network, "layer", "image"), np.array([t.squares for t in found])),
            "contribution_32": (("member", "layer", "image"), np.array(single)),
            "whole": ((*by_network, "image"), np.array([t.whole for t in found])),
            "closure": (by_network, np.array([t.closure for t in found])),
            "layer_name": ("layer", [layer.name for layer, _ in runs]),
            "layer_kind": ("layer", [layer.kind for layer, _ in runs]),
        },
        coords={"stencil": list(STENCILS), "generator": list(AFFINE)},
        attrs={**spec["labels"], "images": len(images)},
    )


def _terms(
    network: nn.Module,
    images: Images,
    runs: list[tuple[Layer, list[int]]],
    stencils: tuple[str, ...],
    generators: tuple[str, ...],
) -> _Terms:
    """Probabilities come after the network's own operations, and are no layer: classes stay."""
    actions = [(generator, stencil) for stencil in stencils for generator in generators]
    parts = decompositions(probabilities(network), images, actions)
    shape = (len(stencils), len(generators))
    squares = [part.squares_of([numbers for _, numbers in runs]) for part in parts]
    closure = [part.closure.abs().max() / part.whole.abs().max() for part in parts]
    whole = [part.whole.square().sum(dim=1) for part in parts]
    return _Terms(
        torch.stack(squares).double().unflatten(0, shape).numpy(),
        torch.stack(whole).double().unflatten(0, shape).numpy(),
        torch.stack(closure).double().reshape(shape).numpy(),
    )
