"""The studies of the Lie derivative.

Each public function is a study: from the settings that its arguments name to its cells.
"""

import hashlib
from pathlib import Path
from typing import Any

from symlearn.menu.values import Context
from symlearn.papers.lie.settings import LieAliasing, LieLayers, LieModels, LiePartial
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

_PUBLISHED = Path(__file__).with_name("data") / "lie_title_figure.tsv"


def lie_aliasing(context: Context, lie_aliasing: LieAliasing) -> list[Cell]:
    """Nonlinearities and down-samplings, without training."""
    settings = {"seed": context.seed, **lie_aliasing.model_dump()}
    return [study_cell("lie-aliasing", "lie.aliasing", (), settings)]


def lie_models(context: Context, lie_models: LieModels) -> list[Cell]:
    """Networks of several kinds, trained with and without augmentation."""
    settings = {
        "seed": context.seed,
        **lie_models.model_dump(include={"images", "pixels", "draws"}),
    }
    data = dataset_cell(context.dataset.image_set)
    return [
        study_cell(
            "lie-models", "lie.models", [*_trained(context, lie_models, network), data], settings,
            {"network": network},
        )
        for network in lie_models.networks
    ]  # fmt: skip


def lie_layers(context: Context, lie_layers: LieLayers, lie_models: LieModels) -> list[Cell]:
    """Which layers of the networks without augmentation break a symmetry."""
    data = dataset_cell(context.dataset.image_set)
    cells = []
    for network in lie_layers.networks:
        (plain,) = (
            cell
            for cell in _trained(context, lie_models, network)
            if cell.labels["augmentation"] == "none"
        )
        settings = {"images": lie_layers.images}
        cells.append(
            study_cell("lie-layers", "lie.layers", [plain, data], settings, {"network": network})
        )
    return cells


def lie_partial(context: Context, lie_partial: LiePartial, partial: Partial) -> list[Cell]:
    """The networks of figure 1, in the pose left out: a cell for each network, over all n."""
    settings = {"images": lie_partial.images}
    data = dataset_cell(context.dataset.image_set)
    by_network: dict[str, list[Cell]] = {}
    for cell in networks_of_figure_1(context, partial):
        by_network.setdefault(cell.labels["network"], []).append(cell)
    return [
        study_cell("lie-partial", "lie.partial", [*cells, data], settings, {"network": network})
        for network, cells in by_network.items()
    ]


def lie_published(context: Context) -> list[Cell]:
    """The published models of the original's first figure, digitised."""
    settings = {"sha256": hashlib.sha256(_PUBLISHED.read_bytes()).hexdigest()}
    return [study_cell("lie-published", "lie.published", (), settings)]


def _trained(context: Context, study: LieModels, network: str) -> list[Cell]:
    """The networks of the family with one architecture, a cell for each augmentation."""
    problem = {"train": study.train, "test": study.test, "seeds": list(range(study.seeds))}
    entries: dict[str, dict[str, Any]] = {
        "none": {},
        "translation": {"augmentation": {"kind": "translation", "pixels": study.pixels}},
        "rotation": {"augmentation": {"kind": "rotation"}},
    }
    epochs = study.epochs_of.get(network, study.epochs)
    cells = []
    for name, entry in entries.items():
        recipe = adam(
            epochs, study.learning_rate, FULL_BATCH_BETAS, batch=study.batch,
            schedule="cosine", snapshots=[0], **entry,
        )  # fmt: skip
        labels = {"network": network, "augmentation": name}
        cells.append(classification_cell(context, "lie-models", network, problem, recipe, labels))
    return cells
