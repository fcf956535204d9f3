"""Saliency maps of one image at every pose, by networks that learned invariance or are tied."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import xarray as xr
from torch import nn

from symlearn.errors import ConfigError
from symlearn.groups.tensors import ImageAction, Images, image_action
from symlearn.measures.invariance import (
    Labels,
    logits_of_poses,
    saliency_of_poses,
    saliency_similarities,
)
from symlearn.networks.held_out import held_out
from symlearn.networks.trained import Trained, split_inputs


def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset], weights: list[Path]) -> xr.Dataset:
    """The first test image of a class in all poses, and each network's maps and probabilities.

    The class whose logit is followed is that predicted for the upright image; `returned` are the
    signed maps brought back to its orientation. The network is the first of its cell. Before all
    others comes the augmented one as it was before training.
    """
    networks, (dataset,) = split_inputs(inputs, weights)
    tests = held_out(networks[0], dataset)
    image = tests.images[_first(tests.labels, spec["class_"])][None]
    action = image_action(spec["group"], spec["n"], networks[0].shape[1:])
    first = networks[0]
    untrained = _maps(first, first.networks(0, torch.float64)[0], image, action)
    models = [untrained.assign_coords(model="untrained", strength=0.0)]
    models += [_maps(one, one.networks(dtype=torch.float64)[0], image, action) for one in networks]
    poses = action.poses(image)[0].mean(dim=1)
    return xr.concat(models, dim="model", coords="different", compat="equals").assign(
        reference=(("pose", "row", "col"), poses.numpy()), class_=spec["class_"]
    )


def _first(labels: Labels, class_: int) -> int:
    """The number of the first test image of a class."""
    found = (labels == class_).nonzero()
    if not len(found):
        raise ConfigError(
            f"invariance.test: none of {len(labels)} test images is of class {class_}, "
            "invariance.class_, whose saliency is drawn; ask for more or for another class"
        )
    return int(found[0])


def _maps(one: Trained, network: nn.Module, image: Images, action: ImageAction) -> xr.Dataset:
    probabilities = logits_of_poses(network, image, action)[0].softmax(dim=-1)
    maps = saliency_of_poses(network, image, action)
    predicted = int(probabilities[0].argmax())
    labels = one.labels
    return xr.Dataset(
        {
            "saliency": (("pose", "row", "col"), maps[0].mean(dim=1).numpy()),
            "returned": (("pose", "row", "col"), action.undo(maps)[0].mean(dim=1).numpy()),
            "predicted": predicted,
            "probability": ("pose", probabilities[:, predicted].numpy()),
            "similarity": saliency_similarities(maps, action, signed=False).mean().item(),
            "similarity_signed": saliency_similarities(maps, action, signed=True).mean().item(),
        },
        coords={"model": labels["model"], "strength": labels.get("strength", 0.0)},
    )
