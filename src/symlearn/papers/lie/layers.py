"""Which layers of a trained network break a symmetry: exact terms of its Lie derivative."""

from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import nn

from symlearn.measures.class_probabilities import probabilities
from symlearn.measures.layers import Decomposition, decompose
from symlearn.measures.lie_trace import Operation
from symlearn.networks.held_out import held_out
from symlearn.networks.trained import split_inputs

# Affine transformations; the other translation, shear and stretch are these along columns.
AFFINE = ("translate_x", "rotate", "hyperbolic", "scale", "shear_x", "stretch_x")
_POINTWISE = ("relu", "gelu", "silu", "tanh", "sigmoid")
_POOLING = ("max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "mean")


class Layer(NamedTuple):
    """What an operation counts as: its true type, and the part of the network it is in."""

    kind: str
    name: str


class _Terms(NamedTuple):
    """Of one network under one generator, by layer or image."""

    squares: Float[np.ndarray, "layer image"]
    whole: Float[np.ndarray, " image"]
    closure: float


def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset], weights: list[Path]) -> xr.Dataset:
    """The squared norm of each layer's term (layer, member, generator), mean over images.

    In 64 bits, of the probabilities at test images. With the sum of the norms and the norm of the
    whole derivative, whose ratio is 1 where no two terms cancel, and the largest difference
    between the derivative and the sum of its terms, relative to the derivative's largest entry.
    """
    (cell,), (dataset,) = split_inputs(inputs, weights)
    images, _ = held_out(cell, dataset, spec["images"])
    networks = cell.networks(dtype=torch.float64)
    layers = layers_of(networks[0], images[:1])
    found = [[_terms(network, images, x) for x in AFFINE] for network in networks]
    squares = np.array([[terms.squares for terms in row] for row in found])
    whole = np.sqrt([[terms.whole for terms in row] for row in found])
    by_network = ("member", "generator")
    return xr.Dataset(
        {
            "contribution": ((*by_network, "layer"), squares.mean(axis=3)),
            "whole": (by_network, (whole**2).mean(axis=2)),
            "norms_over_whole": (
                by_network,
                np.sqrt(squares).sum(axis=2).mean(axis=2) / whole.mean(axis=2),
            ),
            "closure": (by_network, np.array([[t.closure for t in row] for row in found])),
            "layer_name": ("layer", [layer.name for layer in layers]),
            "layer_kind": ("layer", [layer.kind for layer in layers]),
        },
        coords={"generator": list(AFFINE)},
        attrs={**spec["labels"], "images": len(images)},
    )


def layers_of(network: nn.Module, image: Float[torch.Tensor, "1 _ _ _"]) -> list[Layer]:
    """The layers of a network in the order in which they are computed."""
    found = decompose(probabilities(network), image, AFFINE[0])
    return [layer for layer, _ in _runs(network, found)]


def layer_of(network: nn.Module, operation: Operation) -> Layer:
    """What an operation of a network counts as.

    Attention without its norm is one layer, and so are the patches' embedding with all its
    norms, and what turns the last features into probabilities.
    """
    path, function = operation.module, operation.function
    part = ".".join(path.split(".")[:2])
    if part.startswith("embed") or (not path and function in ("reshape", "permute")):
        return Layer("patch embedding", "embed")
    if part.startswith("attention") and not path.endswith("norm"):
        return Layer("attention", part)
    if "norm" in function:
        return Layer("norm", path)
    if function in _POINTWISE:
        return Layer("nonlinearity", path)
    if function in _POOLING:
        return Layer("pooling", path or "pool")
    if function == "conv2d":
        stride = network.get_submodule(path).stride
        return Layer("convolution" if stride == (1, 1) else "strided convolution", path)
    if function == "add":
        return Layer("addition", path)
    return Layer("dense", path)


def _runs(network: nn.Module, found: Decomposition) -> list[tuple[Layer, list[int]]]:
    """Successive operations of one layer, with their numbers."""
    inner = [
        Operation(o.function, o.module.removeprefix("0").removeprefix("."), o.kind)
        for o in found.operations
    ]
    numbered = enumerate(layer_of(network, operation) for operation in inner)
    return [(layer, [i for i, _ in run]) for layer, run in groupby(numbered, key=lambda x: x[1])]


def _terms(network: nn.Module, images: Float[torch.Tensor, "image _ _ _"], name: str) -> _Terms:
    found = decompose(probabilities(network), images, name)
    squares = [
        found.terms[indices].sum(dim=0).square().sum(dim=1) for _, indices in _runs(network, found)
    ]
    closure = found.closure.abs().max() / found.whole.abs().max()
    whole = found.whole.square().sum(dim=1)
    return _Terms(torch.stack(squares).numpy(), whole.numpy(), float(closure))
