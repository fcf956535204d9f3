"""Equivariance errors of a family of trained networks: Lie derivatives and other measures."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import nn

from symlearn.measures.class_probabilities import (
    classifier_errors,
    decisions,
    noise_responses,
    probabilities,
)
from symlearn.measures.equivariance import (
    MAX_SHIFT,
    Moved,
    Operator,
    consistency,
    equivariance_error,
    expected_invariance,
    fractional_rotation,
    fractional_translation,
    integer_translation,
    random_angles,
    random_shifts,
)
from symlearn.measures.lie import GENERATORS, Images
from symlearn.networks.augmentation import augmentation
from symlearn.networks.held_out import TestSet, held_out
from symlearn.networks.trained import Trained, split_inputs
from symlearn.randomness import seed_of

# Generators that are measured on transformed images too.
TRANSLATIONS, ROTATION = ("translate_x", "translate_y"), "rotate"
_ON_ALL = (*TRANSLATIONS, ROTATION)
_LARGEST_ANGLE = math.pi / 16  # of the expected invariance, as in the released code
NOISE_NORMALISED = ("noise-normalised translation", "noise-normalised rotation")
Sets = Mapping[str, TestSet]
Squares = Float[np.ndarray, " generator"]
Measure = Callable[[nn.Module], float]
Amounts = Float[torch.Tensor, "draw amount"]


def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset], weights: list[Path]) -> xr.Dataset:
    """Errors and accuracies of the networks of one entry, by augmentation and member, in 64 bits.

    The inputs are one history for each augmentation, and the data set. `image_set` tells test
    images as they are from the same shifted and turned at random.
    """
    cells, (dataset,) = split_inputs(inputs, weights)
    sets = _image_sets(spec, dataset, cells[0])
    upright = sets["upright"].images[: spec["images"]]
    others = _other_measures(spec, upright)
    parts = [_cell(spec, cell, sets, others) for cell in cells]
    names = [cell.labels["augmentation"] for cell in cells]
    return (
        xr.concat(parts, dim="augmentation")
        .assign_coords(
            augmentation=names, generator=list(GENERATORS), image_set=list(sets),
            measure=[*others, *NOISE_NORMALISED],
        )
        .assign_attrs(
            network=cells[0].labels["network"], images=len(upright), pixels=spec["pixels"],
            test=len(sets["upright"].images),
            weights=sum(p.numel() for p in cells[0].networks()[0].parameters()),
        )
    )  # fmt: skip


def _image_sets(spec: Mapping[str, Any], dataset: xr.Dataset, cell: Trained) -> Sets:
    """Test images and their classes: as they are, and each shifted and turned once."""
    images, classes = upright = held_out(cell, dataset)
    moves = {
        "shifted": {"kind": "translation", "pixels": spec["pixels"]},
        "turned": {"kind": "rotation"},
    }
    sets = {"upright": upright}
    for name, entry in moves.items():
        rng = torch.Generator().manual_seed(seed_of(spec["seed"], "lie-models", name))
        (moved,) = augmentation(entry, cell.shape)(images[None], [rng])
        sets[name] = TestSet(moved, classes)
    return sets


def _cell(
    spec: Mapping[str, Any],
    cell: Trained,
    sets: Sets,
    others: Mapping[str, Measure],
) -> xr.Dataset:
    """The networks of one augmentation, along `member`."""
    upright = sets["upright"].images[: spec["images"]]
    before = [
        _mean(classifier_errors(network, upright, _ON_ALL).square)
        for network in cell.networks(epoch=0, dtype=torch.float64)
    ]
    found = xr.concat(
        [_network(spec, network, sets, others) for network in cell.networks(dtype=torch.float64)],
        dim="member",
    )
    untrained = np.full((len(before), len(GENERATORS)), np.nan)
    untrained[:, _columns(_ON_ALL)] = before
    return found.assign(lie_square_before=(("member", "generator"), untrained))


def _network(
    spec: Mapping[str, Any],
    network: nn.Module,
    sets: Sets,
    others: Mapping[str, Measure],
) -> xr.Dataset:
    """One network on all sets of images; NaN for generators that are not measured there."""
    kinds = {"lie_square": "square", "lie_absolute": "absolute", "lie_logits": "logits"}
    # By kind: the error, and its standard error over images.
    errors = {kind: np.full((2, len(sets), len(GENERATORS)), np.nan) for kind in kinds}
    accuracy, confidence = [], []
    for row, (name, (images, classes)) in enumerate(sets.items()):
        generators = tuple(GENERATORS) if name == "upright" else _ON_ALL
        found = classifier_errors(network, images[: spec["images"]], generators).summary()
        for kind, quantity in kinds.items():
            errors[kind][:, row, _columns(generators)] = np.array(found[quantity]).T
        decided = decisions(network, images)
        accuracy.append(float((decided.classes == classes).double().mean()))
        confidence.append(float(decided.confidence.mean()))
    upright, squares = sets["upright"].images[: spec["images"]], errors["lie_square"][0, 0]
    measured = [measure(network) for measure in others.values()]
    dims = ("image_set", "generator")
    return xr.Dataset(
        {
            **{kind: (dims, values) for kind, (values, _) in errors.items()},
            **{f"{kind}_error": (dims, values) for kind, (_, values) in errors.items()},
            "accuracy": ("image_set", accuracy),
            "confidence": ("image_set", confidence),
            "measured_error": (
                "measure",
                [*measured, *_noise_normalised(network, upright, squares)],
            ),
        }
    )


def _other_measures(spec: Mapping[str, Any], images: Images) -> dict[str, Measure]:
    """The measures that Lie derivatives are compared with, by name, on the same images.

    Amounts are drawn once, for all networks.
    """
    rng = torch.Generator().manual_seed(seed_of(spec["seed"], "lie-models", "other measures"))
    shifts = random_shifts(spec["draws"], rng)
    angles = random_angles(spec["draws"], rng)
    small = random_angles(spec["draws"], rng, _LARGEST_ANGLE)[:, 0]
    return {
        "integer translation": _moved_by(images, integer_translation, shifts),
        "fractional translation": _moved_by(images, fractional_translation, shifts),
        "inconsistency": _inconsistency(images),
        # Normalised coordinates are two widths.
        "translation invariance": _invariance(images, TRANSLATIONS[0], 2 * shifts[:, 0]),
        "fractional rotation": _moved_by(images, fractional_rotation, angles),
        "rotation invariance": _invariance(images, ROTATION, small),
    }


def _moved_by(images: Images, operator: Operator, amounts: Amounts) -> Measure:
    """An operator's error; it moves the images once, for all networks."""
    kept = [operator(images, *(float(amount) for amount in row)) for row in amounts]
    numbers = [[float(number)] for number in range(len(kept))]

    def look_up(_: Images, number: float) -> Moved:
        return kept[int(number)]

    def error(network: nn.Module) -> float:
        found = equivariance_error(probabilities(network), images, look_up, numbers)
        return float(found.mean())

    return error


def _invariance(images: Images, generator: str, amounts: Float[torch.Tensor, " draw"]) -> Measure:
    def error(network: nn.Module) -> float:
        found = expected_invariance(probabilities(network), images, generator, amounts)
        return float(found.mean())

    return error


def _noise_normalised(network: nn.Module, images: Images, squares: Squares) -> list[float]:
    """The mean square of the Lie derivative over the response to small noise of the same norm.

    By translations along both axes, and by rotations; `squares` are those under all generators.
    """
    responses = _mean(noise_responses(network, images, _ON_ALL))
    errors = squares[_columns(_ON_ALL)]
    by_kind = (slice(0, len(TRANSLATIONS)), slice(len(TRANSLATIONS), None))
    return [float(errors[rows].sum() / responses[rows].sum()) for rows in by_kind]


def _inconsistency(images: Images) -> Measure:
    """The share of classes that change when images are rolled along a row, to both sides."""
    largest = max(1, round(MAX_SHIFT * images.shape[3]))
    shifts = [shift for shift in range(-largest, largest + 1) if shift]

    def share(network: nn.Module) -> float:
        same = [consistency(network, images, shift) for shift in shifts]
        return 1 - float(torch.stack(same).double().mean())

    return share


def _columns(generators: Sequence[str]) -> list[int]:
    return [list(GENERATORS).index(name) for name in generators]


def _mean(values: torch.Tensor) -> np.ndarray:
    """Over images, for each generator."""
    return values.double().mean(dim=1).numpy()
