"""A pretrained network on photographs, by the measures of all four papers.

See docs/science/lie.md#pretrained-networks.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import nn

from symlearn.datasets.pictures import digest, labels_of, opened, pictures
from symlearn.errors import DataError
from symlearn.measures import any_model
from symlearn.measures.class_probabilities import probabilities
from symlearn.measures.layer_kinds import layer_runs
from symlearn.measures.layers import decompose, operations_of
from symlearn.measures.lie import GENERATORS
from symlearn.networks.timm_models import imagenet_synsets, timm_model, transform_of
from symlearn.randomness import seed_of

# Groups that permute pixels: n divides the sides of the models' images.
ACTIONS = {"quarter turns": ("cyclic-rotation", 4), "shifts by quarters": ("cyclic-shift", 4)}
MEASURES = (
    "relative_logit_error", "selectivity", "agreement", "divergence", "logit_error",
    "saliency_similarity",
)  # fmt: skip
_GENERATOR = "translate_x"
_BATCH = 8
_NAMES = {"mean_square": "lie_square", "mean_absolute": "lie_absolute", "logits": "lie_logits"}


def compute(spec: Mapping[str, Any], _: list[xr.Dataset], folder: Path) -> xr.Dataset:
    """The errors of one model, with standard errors over photographs.

    The Lie derivative end to end by `generator` and layer by layer under a translation (layer,
    image), R, D and G by `block` before training (random weights) and after, and invariance
    (measure, action). Raises DataError for a folder with too few pictures, and SymlearnError where
    timm or the package of the weights is missing.
    """
    name, source = spec["labels"]["model"], spec["weights"]
    files = pictures(folder, spec["images"], spec["seed"])
    network = timm_model(name, source["from"]).double()
    prepare = transform_of(network)
    images = torch.stack([prepare(opened(file)) for file in files])
    labels = labels_of(files, folder, None, imagenet_synsets())
    if labels is None:
        raise DataError(f"{folder}: the names of its pictures do not say their classes")
    lie = any_model.lie_error(network, images, list(GENERATORS), batch=_BATCH)
    accuracy = any_model.accuracy(network, images, np.array(labels))
    return xr.merge(
        [
            _named(lie, _NAMES),
            _layers(network, images[: spec["layer_images"]], spec),
            _stability(network, timm_model(name).double(), images, spec),
            _invariance(network, images, spec["seed"]),
        ]
    ).assign(
        accuracy=accuracy.value, accuracy_error=accuracy.uncertainty
    ).assign_attrs(
        model=name, images=len(images), layer_images=spec["layer_images"],
        directions=spec["directions"], draws=spec["draws"], pictures=digest(files),
        side=images.shape[-1],
    )  # fmt: skip


def _named(found: xr.Dataset, names: Mapping[str, str]) -> xr.Dataset:
    """Some quantities under other names, their standard errors with `_error`."""
    errors = {f"{name}_se": f"{new}_error" for name, new in names.items()}
    return found[[*names, *errors]].rename({**names, **errors}).drop_attrs()


def _layers(network: nn.Module, images: torch.Tensor, spec: Mapping[str, Any]) -> xr.Dataset:
    """Squared norms of the layers' terms, image by image, seen through random directions."""
    runs = layer_runs(network, operations_of(network, images[:1]))
    rng = torch.Generator().manual_seed(seed_of(spec["seed"], "layer errors"))
    terms = decompose(
        probabilities(network), images, _GENERATOR, probes=spec["directions"], rng=rng, quiet=False
    )
    squares = terms.squares_of([numbers for _, numbers in runs])
    return xr.Dataset(
        {
            "contribution": (("layer", "image"), squares.double().numpy()),
            "layer_name": ("layer", [layer.name for layer, _ in runs]),
            "layer_kind": ("layer", [layer.kind for layer, _ in runs]),
            "closure": float(terms.closure.abs().max() / terms.whole.abs().max()),
        }
    )


def _stability(
    network: nn.Module, untrained: nn.Module, images: torch.Tensor, spec: Mapping[str, Any]
) -> xr.Dataset:
    """R, D and G of the blocks, before and after training, with the same deformations."""
    settings = {"draws": spec["draws"], "seed": spec["seed"], "batch": _BATCH}
    before = any_model.relative_stability(untrained, images, batch_statistics=True, **settings)
    after = any_model.relative_stability(network, images, **settings)
    both = xr.concat([before, after], dim="moment", combine_attrs="drop")
    names = {"R": "relative_stability", "D": "deformation_stability", "G": "noise_stability"}
    return _named(both, names).rename(layer="block").assign_coords(moment=["before", "after"])


def _invariance(network: nn.Module, images: torch.Tensor, seed: int) -> xr.Dataset:
    found = [
        any_model.invariance(network, images, group, n, seed=seed, batch=_BATCH)
        for group, n in ACTIONS.values()
    ]
    values, errors = (
        np.array([[float(one[f"{name}{tail}"]) for one in found] for name in MEASURES])
        for tail in ("", "_se")
    )
    return xr.Dataset(
        {
            "invariance": (("measure", "action"), values),
            "invariance_error": (("measure", "action"), errors),
        },
        {"measure": list(MEASURES), "action": list(ACTIONS)},
    )
