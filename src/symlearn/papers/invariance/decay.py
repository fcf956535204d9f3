"""Spectra and sensitivities of networks that learn invariance, over training.

See docs/science/invariance.md#spectral-decay.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import nn

from symlearn.groups.tensors import ImageAction, Images, image_action
from symlearn.measures.invariance import logit_errors, logits_of_poses, noise_errors
from symlearn.measures.spectra import (
    input_gradient_norms,
    jacobian_singular_values,
    largest_singular_values,
    singular_values,
)
from symlearn.networks.held_out import held_out
from symlearn.networks.trained import Trained, split_inputs
from symlearn.papers.invariance.coordinates import model_coordinates
from symlearn.randomness import seed_of

Shape = tuple[int, int, int]
_COUNT = 256  # singular values of each layer, from the largest on


def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset], weights: list[Path]) -> xr.Dataset:
    """Gains of the layers and sensitivities on test images, by (model, member, epoch).

    At the epochs whose weights were kept and at the last; spectra of layers and of the Jacobian,
    the geometric mean over images, at the last alone. Noise is the same at every epoch.
    """
    networks, (dataset,) = split_inputs(inputs, weights)
    images = held_out(networks[0], dataset).images[: spec["images"]]
    action = image_action(spec["group"], spec["n"], networks[0].shape[1:])
    models = [_over_training(one, images, action, spec["seed"]) for one in networks]
    return xr.concat(models, dim="model", coords="different", compat="equals").assign_attrs(
        images=spec["images"], strength=spec["strength"]
    )


def _over_training(one: Trained, images: Images, action: ImageAction, seed: int) -> xr.Dataset:
    epochs: list[int | None] = [*one.snapshots, None]
    members = [
        xr.concat([_at(n, one.shape, images, action, seed) for n in networks], dim="member")
        for networks in (one.networks(epoch, torch.float64) for epoch in epochs)
    ]
    last = one.spec["recipe"]["epochs"]
    spectra = xr.concat(
        [_spectra(n, one.shape, images) for n in one.networks(dtype=torch.float64)], dim="member"
    )
    return xr.merge([xr.concat(members, dim="epoch"), spectra]).assign_coords(
        epoch=[*one.snapshots, last], **model_coordinates(one)
    )


def _spectra(network: nn.Module, shape: Shape, images: Images) -> xr.Dataset:
    """The singular values of one network's layers and of its Jacobian; NaN where there are less."""
    layers = list(singular_values(network, shape, _COUNT).values())
    table = np.full((len(layers), max(map(len, layers))), np.nan)
    for row, values in zip(table, layers, strict=True):
        row[: len(values)] = values
    # Where a network does not depend on the image at all, the mean is zero.
    of_images = jacobian_singular_values(network, images).log().mean(dim=0).exp()
    return xr.Dataset(
        {
            "singular_value": (("layer", "rank"), table),
            "jacobian_value": ("jacobian_rank", of_images.numpy()),
        }
    )


def _at(
    network: nn.Module, shape: Shape, images: Images, action: ImageAction, seed: int
) -> xr.Dataset:
    """The state of one network at one epoch."""
    gains = list(largest_singular_values(network, shape).by_layer.values())
    logits = logits_of_poses(network, images, action)
    noise = torch.Generator().manual_seed(seed_of(seed, "invariance-noise", "decay"))
    return xr.Dataset(
        {
            "gain": ("layer", np.array(gains)),
            "gain_product": np.prod(gains),
            "input_gradient": input_gradient_norms(network, images).mean().item(),
            "noise_error": noise_errors(network, images, action, noise).mean().item(),
            "logit_error": logit_errors(logits).mean().item(),
            "logit_norm": logits[:, 0].norm(dim=1).mean().item(),
        }
    )
