"""How invariant the networks of figure 1 are: the class left out against all others."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Int
from torch import nn

from symlearn.datasets.images import LabelledImages, labelled_images
from symlearn.groups.nearest import nearest_rotation_action
from symlearn.groups.tensors import ImageAction
from symlearn.measures.invariance import measure_invariance
from symlearn.networks.trained import Trained, split_inputs
from symlearn.papers.orbits.partial_rotations import choose_images, unit_norm
from symlearn.randomness import generator, seed_of

Chosen = Int[np.ndarray, " image"]
_ROLES = ("left-out", "others")


def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset], weights: list[Path]) -> xr.Dataset:
    """Measures of every network by (member, role, measure), networks of all n along `member`.

    The images are those whose other poses were trained on, and the rotations those of the
    training: by the nearest pixel, upright first. At most `images` for each role.
    """
    networks, (dataset,) = split_inputs(inputs, weights)
    data = labelled_images(dataset)
    found = [_cell(one, data, spec) for one in networks]
    return xr.concat(found, dim="member").assign_attrs(spec["labels"])


def _cell(one: Trained, data: LabelledImages, spec: Mapping[str, Any]) -> xr.Dataset:
    problem = one.spec["problem"]
    seeds = choose_images(data.labels, problem["images"], one.spec["seed"])
    action = nearest_rotation_action(problem["n"], one.shape[1:])
    left_out = one.history["left_out"].values
    members = []
    for network, class_ in zip(one.networks(dtype=torch.float64), left_out, strict=True):
        by_role = {
            role: _measures(network, data, chosen, problem["preparation"], action, spec["seed"])
            for role, chosen in _images(data.labels, seeds, int(class_), spec).items()
        }
        members.append(xr.concat(by_role.values(), dim="role").assign_coords(role=list(_ROLES)))
    return xr.concat(members, dim="member").assign_coords(
        left_out=("member", left_out),
        seed=("member", one.history["seed"].values),
        n=("member", np.full(len(left_out), problem["n"])),
    )


def _images(
    labels: Int[np.ndarray, " label"], seeds: Chosen, left_out: int, spec: Mapping[str, Any]
) -> dict[str, Int[np.ndarray, " _"]]:
    """As many images of the class left out and of the others, the latter drawn at random."""
    rng = generator(spec["seed"], "invariance-partial", left_out)
    own = rng.permutation(seeds[labels[seeds] == left_out])[: spec["images"]]
    others = rng.permutation(seeds[labels[seeds] != left_out])[: len(own)]
    return dict(zip(_ROLES, (own, others), strict=True))


def _measures(
    network: nn.Module,
    data: LabelledImages,
    chosen: Chosen,
    preparation: Mapping[str, Any],
    action: ImageAction,
    seed: int,
) -> xr.Dataset:
    levels, scale = unit_norm(data, chosen, preparation)
    images = torch.from_numpy(levels * scale[:, None, None])[:, None]
    noise = torch.Generator().manual_seed(seed_of(seed, "invariance-noise", "partial"))
    found = measure_invariance(network, images, action, generator=noise).summary()
    return xr.Dataset(
        {
            "invariance": ("measure", [one.value for one in found.values()]),
            "invariance_error": ("measure", [one.uncertainty for one in found.values()]),
        },
        coords={"measure": list(found)},
    )
