"""The studies of learned and genuine invariance.

Each public function is a study: from the settings that its arguments name to its cells.
"""

from collections.abc import Mapping
from typing import Any

from symlearn.menu.values import Context
from symlearn.papers.invariance.settings import Invariance, InvarianceFamily
from symlearn.papers.orbits.cells import partial as networks_of_figure_1
from symlearn.papers.orbits.settings import Partial
from symlearn.pipeline.frame import (
    FULL_BATCH_BETAS,
    adam,
    classification_cell,
    dataset_cell,
    study_cell,
)
from symlearn.pipeline.specs import Cell


def invariance(context: Context, invariance: Invariance) -> list[Cell]:
    """All networks of a family, measured on test images and on shifted ones."""
    other = invariance.other
    settings = {
        "images": invariance.images,
        "shifts": invariance.shifts,
        "shift_strengths": invariance.shift_strengths,
        "other": other.described if other else None,
        "strength": invariance.strength,
        "seed": context.seed,
    }
    sets = [data.image_set for data in (context.dataset, other) if data]
    cells = []
    for family in invariance.families:
        acting = {"group": family.group, "n": family.n}
        inputs = [*_family(context, invariance, family), *map(dataset_cell, sets)]
        labels = {"network": family.network, **acting}
        cells.append(
            study_cell("invariance", "invariance.families", inputs, {**acting, **settings}, labels)
        )
    return cells


def invariance_decay(context: Context, invariance: Invariance) -> list[Cell]:
    """The spectra and sensitivities of networks that learned, over training."""
    family = invariance.families[0]
    settings = {
        "group": family.group, "n": family.n, "images": invariance.images,
        "strength": invariance.strength, "seed": context.seed,
    }  # fmt: skip
    cells = _first_family(context, invariance, "augmented", "regularised", "decayed")
    inputs = [*cells, dataset_cell(context.dataset.image_set)]
    return [study_cell("invariance-decay", "invariance.decay", inputs, settings)]


def invariance_saliency(context: Context, invariance: Invariance) -> list[Cell]:
    """The saliency of one image by networks that learned invariance, and by one that is tied."""
    family, strength = invariance.families[0], invariance.strength
    settings = {"group": family.group, "n": family.n, "class_": invariance.class_}
    cells = _first_family(context, invariance, "augmented", "regularised", family.tied[0])
    chosen = [cell for cell in cells if cell.labels.get("strength", strength) == strength]
    inputs = [*chosen, dataset_cell(context.dataset.image_set)]
    return [study_cell("invariance-saliency", "invariance.saliency", inputs, settings)]


def invariance_partial(context: Context, invariance: Invariance, partial: Partial) -> list[Cell]:
    """All networks of figure 1 of one kind, measured under the rotations that they saw."""
    settings = {"images": invariance.partial_images, "seed": context.seed}
    trained = networks_of_figure_1(context, partial)
    data = dataset_cell(context.dataset.image_set)
    return [
        study_cell(
            "invariance-partial",
            "invariance.partial",
            [*(cell for cell in trained if cell.labels["network"] == name), data],
            settings,
            {"network": name},
        )
        for name in partial.networks
    ]


def _family(context: Context, study: Invariance, family: InvarianceFamily) -> list[Cell]:
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
    cells = [_trained(context, study, family.network, {}, named)]
    for model, more, own in ways:
        labels = {**named, "model": model, **acting, **own}
        cells.append(_trained(context, study, family.network, more, labels))
    for model in family.tied:
        entry = _tied(context.network(family.network), model, acting)
        cells.append(_trained(context, study, entry, {}, {**named, "model": model, **acting}))
    return cells


def _tied(entry: Mapping[str, Any], model: str, acting: Mapping[str, Any]) -> dict[str, Any]:
    """The weight-tied kin of a network: its logits averaged, or its first layer pooled."""
    if model == "averaged":
        return {"kind": "orbit-averaged", "network": dict(entry), **acting}
    return {"kind": "orbit-pooled", "widths": entry["widths"], **acting}


def _trained(
    context: Context,
    study: Invariance,
    network: str | Mapping[str, Any],
    more: Mapping[str, Any],
    labels: Mapping[str, Any],
) -> Cell:
    problem = {"train": study.train, "test": study.test, "seeds": list(range(study.seeds))}
    common = {"batch": study.batch, "snapshots": study.snapshots}
    recipe = adam(study.epochs, study.learning_rate, FULL_BATCH_BETAS, **{**common, **more})
    return classification_cell(context, "invariance", network, problem, recipe, labels)


def _first_family(context: Context, study: Invariance, *models: str) -> list[Cell]:
    """The networks of the first family that were made in one of these ways."""
    cells = _family(context, study, study.families[0])
    return [cell for cell in cells if cell.labels["model"] in models]
