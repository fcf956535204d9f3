"""The Lie derivative of partially observed networks: at the pose left out, and at others' poses."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import nn

from symlearn.datasets.images import labelled_images
from symlearn.measures.class_probabilities import classifier_errors, decisions
from symlearn.measures.lie import Images
from symlearn.networks.trained import Trained, split_inputs
from symlearn.papers.orbits import partial_rotations as partial
from symlearn.randomness import generator

GENERATORS = ("rotate", "translate_x")
# Upright images that were not trained on, of the class left out and of the others.
OBSERVED = (False, True)


def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset], weights: list[Path]) -> xr.Dataset:
    """Errors of all networks of one entry, along `member`, by whether the class was observed.

    Both kinds of images are upright and untrained, and networks were trained on other poses of
    them; of the observed classes, other images were trained on upright.
    """
    cells, (dataset,) = split_inputs(inputs, weights)
    parts = [_cell(spec, cell, dataset) for cell in cells]
    return xr.concat(parts, dim="member").assign_coords(
        observed=("observed", np.array(OBSERVED)), generator=list(GENERATORS)
    )


def _cell(spec: Mapping[str, Any], cell: Trained, dataset: xr.Dataset) -> xr.Dataset:
    """The networks of one N, each with the class that it was not shown upright."""
    settings, root = cell.spec["problem"], cell.spec["seed"]
    data = labelled_images(dataset)
    chosen = partial.choose_images(data.labels, settings["images"], root)
    levels, scale = partial.unit_norm(data, chosen, settings["preparation"])
    images = torch.from_numpy(levels[:, None] * scale[:, None, None, None]).double()
    labels = data.labels[chosen]
    rows = []
    for member, network in zip(
        settings["members"], cell.networks(dtype=torch.float64), strict=True
    ):
        points = partial.split(labels, settings["n"], member, root)
        drawn = [
            _drawn(points[name].numpy(), len(labels), spec["images"], root)
            for name in ("out", "in")
        ]
        rows.append(_errors(network, images, labels, drawn))
    return xr.concat(rows, dim="member").assign(
        n=("member", [settings["n"]] * len(rows)),
        left_out=("member", [digit for digit, _ in settings["members"]]),
    )


def _drawn(points: np.ndarray, count: int, wanted: int, root: int) -> np.ndarray:
    """Upright ones among points (pose * count + image), at most as many as wanted."""
    upright = points[points < count]
    return generator(root, "lie-partial").permutation(upright)[:wanted]


def _errors(
    network: nn.Module, images: Images, labels: np.ndarray, drawn: list[np.ndarray]
) -> xr.Dataset:
    both = np.concatenate(drawn)
    errors = classifier_errors(network, images[both], GENERATORS)
    decided = decisions(network, images[both])
    right = (decided.classes.numpy() == labels[both]).astype(float)
    ends = [len(drawn[0])]

    def means(values: np.ndarray) -> np.ndarray:
        """Over the images of the class left out, and over those of the others."""
        return np.stack([part.mean(axis=-1) for part in np.split(values, ends, axis=-1)], axis=-1)

    by_generator = ("generator", "observed")
    return xr.Dataset(
        {
            "lie_square": (by_generator, means(errors.square.double().numpy())),
            "lie_logits": (by_generator, means(errors.logits.double().numpy())),
            "accuracy": ("observed", means(right)),
            "confidence": ("observed", means(decided.confidence.numpy())),
        }
    )
