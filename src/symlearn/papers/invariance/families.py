"""How invariant trained networks are on test images and under distribution shifts.

See docs/science/invariance.md#the-protocol.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import nn

from symlearn.datasets.distribution_shift import shifted_sets
from symlearn.datasets.images import labelled_images
from symlearn.datasets.orbits import prepare
from symlearn.groups.tensors import ImageAction, Images, image_action
from symlearn.measures.invariance import (
    logits_of_poses,
    measure_invariance,
    saliency_of_poses,
    unrelated_similarity,
)
from symlearn.measures.spectra import largest_singular_values
from symlearn.networks.held_out import TestSet, held_out
from symlearn.networks.trained import Trained, split_inputs
from symlearn.papers.invariance.coordinates import model_coordinates
from symlearn.randomness import seed_of
from symlearn.statistics import Measured

# By the name of a shift, images at each of its strengths.
Sets = Mapping[str, list[Images]]
_LUMA = (0.299, 0.587, 0.114)  # of red, green and blue in grey: ITU-R BT.601


def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset], weights: list[Path]) -> xr.Dataset:
    """All measures by (model, member, shift, shift_strength, measure), with standard errors.

    The first `images` test images are measured, and shifted; accuracies are over all. All
    networks see the same images and the same noise. Tied networks cost |G| times the others.
    """
    networks, (dataset, *others) = split_inputs(inputs, weights)
    tests = held_out(networks[0], dataset)
    sets = _sets(tests.images[: spec["images"]], spec, others)
    action = image_action(spec["group"], spec["n"], networks[0].shape[1:])
    models = [_model(one, tests, sets, action, spec) for one in networks]
    return xr.concat(models, dim="model", coords="different", compat="equals").assign_attrs(
        images=spec["images"], strength=spec["strength"]
    )


def _sets(images: Images, spec: Mapping[str, Any], others: list[xr.Dataset]) -> Sets:
    names = [*spec["shifts"], *(["interpolation"] if others else [])]
    other = _other_images(others[0], images, spec["other"]) if others else None
    degrees = [
        shifted_sets(images.numpy(), names, strength, spec["seed"], other)
        for strength in spec["shift_strengths"]
    ]
    return {name: [torch.from_numpy(sets[name]) for sets in degrees] for name in names}


def _other_images(
    dataset: xr.Dataset, images: Images, preparation: Mapping[str, Any]
) -> np.ndarray:
    """As many of another data set's images as are measured, in grey, as `images` have them."""
    data = labelled_images(dataset)
    found = prepare(data, np.arange(min(len(images), len(data.labels))), preparation)
    if found.ndim == 4:
        found = np.tensordot(_LUMA, found, axes=(0, 1))
    kept = slice(preparation["crop"], found.shape[-1] - preparation["crop"])
    return np.repeat(found[:, None, kept, kept], images.shape[1], axis=1)


def _model(
    one: Trained, tests: TestSet, sets: Sets, action: ImageAction, spec: Mapping[str, Any]
) -> xr.Dataset:
    """The measures of all members of one cell of networks."""
    members = [
        _member(network, one.shape, tests, sets, action, spec)
        for network in one.networks(dtype=torch.float64)
    ]
    return xr.concat(members, dim="member").assign_coords(
        seed=("member", one.history["seed"].values), **model_coordinates(one)
    )


def _member(
    network: nn.Module,
    shape: tuple[int, int, int],
    tests: TestSet,
    sets: Sets,
    action: ImageAction,
    spec: Mapping[str, Any],
) -> xr.Dataset:
    own = tests.images[: spec["images"]]
    right = logits_of_poses(network, tests.images, action).argmax(dim=-1) == tests.labels[:, None]
    maps = saliency_of_poses(network, own, action)[:, 0]
    with torch.no_grad():
        norm = network(own).norm(dim=1).mean()
    return _measures(network, own, sets, action, spec).assign(
        orbit_accuracy=right.double().mean().item(),
        upright_accuracy=right[:, 0].double().mean().item(),
        unrelated_similarity=unrelated_similarity(maps).mean().item(),
        logit_norm=norm.item(),
        gain_product=largest_singular_values(network, shape).product,
    )


def _measures(
    network: nn.Module, unshifted: Images, sets: Sets, action: ImageAction, spec: Mapping[str, Any]
) -> xr.Dataset:
    """Means over images and their standard errors, (shift, shift_strength, measure)."""

    def measure(images: Images, name: str) -> dict[str, Measured]:
        noise = torch.Generator().manual_seed(seed_of(spec["seed"], "invariance-noise", name))
        return measure_invariance(network, images, action, generator=noise).summary()

    still = measure(unshifted, "none")
    table = [[still, *(measure(images, name) for images in sets[name])] for name in sets]
    values = np.array([[[found[m] for m in still] for found in row] for row in table])
    dims = ("shift", "shift_strength", "measure")
    strengths = [0.0, *spec["shift_strengths"]]
    return xr.Dataset(
        {"invariance": (dims, values[..., 0]), "invariance_error": (dims, values[..., 1])},
        coords={"shift": list(sets), "shift_strength": strengths, "measure": list(still)},
    )
