"""The studies of learned and genuine invariance."""

from collections.abc import Mapping
from typing import Any

from symlearn.cells.frame import (
    FULL_BATCH_BETAS,
    adam,
    classification_cell,
    dataset_cell,
    study_cell,
)
from symlearn.cells.networks import partial
from symlearn.config import Config
from symlearn.settings import InvarianceFamily
from symlearn.specs import Cell


def invariance(config: Config) -> list[Cell]:
    """All networks of a family, measured on test images and on shifted ones."""
    preset, study = config.chosen, config.chosen.invariance
    settings = {
        "images": study.images,
        "shifts": study.shifts,
        "shift_strengths": study.shift_strengths,
        "other": study.other.model_dump() if study.other else None,
        "strength": study.strength,
        "seed": preset.seed,
    }
    sources = [
        dataset_cell(preset.dataset.name),
        *([dataset_cell(study.other.name)] if study.other else []),
    ]
    cells = []
    for family in study.families:
        acting = {"group": family.group, "n": family.n}
        networks = _invariance_family(config, family)
        labels = {"network": family.network, **acting}
        cells.append(
            study_cell("invariance", [*networks, *sources], {**acting, **settings}, labels)
        )
    return cells


def _invariance_family(config: Config, family: InvarianceFamily) -> list[Cell]:
    """The networks of a family, each way of learning or tying, several seeds in each cell."""
    acting = {"group": family.group, "n": family.n}
    augmented = {"augmentation": {"kind": "group", **acting}}
    ways: list[tuple[str, dict[str, Any], dict[str, float]]] = [("augmented", augmented, {})]
    for strength in family.strengths:
        loss = {"invariance": {**acting, "strength": strength}}
        ways.append(("regularised", {**augmented, **loss}, {"strength": strength}))
    for decay in family.weight_decays:
        ways.append(("decayed", {**augmented, "weight_decay": decay}, {"weight_decay": decay}))
    # A network without augmentation knows no group, so families share it.
    named = {"network": family.network, "model": "plain"}
    cells = [_invariance_cell(config, family.network, {}, named)]
    for model, more, own in ways:
        labels = {**named, "model": model, **acting, **own}
        cells.append(_invariance_cell(config, family.network, more, labels))
    for model in family.tied:
        entry = _tied(config.network(family.network), model, acting)
        cells.append(_invariance_cell(config, entry, {}, {**named, "model": model, **acting}))
    return cells


def _tied(entry: Mapping[str, Any], model: str, acting: Mapping[str, Any]) -> dict[str, Any]:
    """The weight-tied kin of a network: its logits averaged, or its first layer pooled."""
    if model == "averaged":
        return {"kind": "orbit-averaged", "network": dict(entry), **acting}
    return {"kind": "orbit-pooled", "widths": entry["widths"], **acting}


def _invariance_cell(
    config: Config,
    network: str | Mapping[str, Any],
    more: Mapping[str, Any],
    labels: Mapping[str, Any],
) -> Cell:
    study = config.chosen.invariance
    problem = {"train": study.train, "test": study.test, "seeds": list(range(study.seeds))}
    common = {"batch": study.batch, "snapshots": study.snapshots}
    recipe = adam(study.epochs, study.learning_rate, FULL_BATCH_BETAS, **{**common, **more})
    return classification_cell(config, "invariance", network, problem, recipe, labels)


def _first_family(config: Config, *models: str) -> list[Cell]:
    """The networks of the first family that were made in one of these ways."""
    cells = _invariance_family(config, config.chosen.invariance.families[0])
    return [cell for cell in cells if cell.labels["model"] in models]


def invariance_decay(config: Config) -> list[Cell]:
    """The spectra and sensitivities of networks that learned, over training."""
    preset, study = config.chosen, config.chosen.invariance
    family = study.families[0]
    settings = {
        "group": family.group, "n": family.n, "images": study.images,
        "strength": study.strength, "seed": preset.seed,
    }  # fmt: skip
    cells = _first_family(config, "augmented", "regularised", "decayed")
    return [
        study_cell("invariance-decay", [*cells, dataset_cell(preset.dataset.name)], settings, {})
    ]


def invariance_saliency(config: Config) -> list[Cell]:
    """The saliency of one image by networks that learned invariance, and by one that is tied."""
    preset, study = config.chosen, config.chosen.invariance
    family = study.families[0]
    settings = {"group": family.group, "n": family.n, "class_": study.class_}
    cells = [
        cell
        for cell in _first_family(config, "augmented", "regularised", family.tied[0])
        if cell.labels.get("strength", study.strength) == study.strength
    ]
    return [
        study_cell("invariance-saliency", [*cells, dataset_cell(preset.dataset.name)], settings, {})
    ]


def invariance_partial(config: Config) -> list[Cell]:
    """All networks of `partial` of one kind, measured under the rotations that they saw."""
    preset = config.chosen
    settings = {"images": preset.invariance.partial_images, "seed": preset.seed}
    trained = partial(config)
    return [
        study_cell(
            "invariance-partial",
            [
                *(cell for cell in trained if cell.labels["network"] == name),
                dataset_cell(preset.dataset.name),
            ],
            settings,
            {"network": name},
        )
        for name in preset.partial.networks
    ]
