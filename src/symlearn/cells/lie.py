"""The studies of the Lie derivative."""

import hashlib
from typing import Any

from symlearn.cells.frame import (
    FULL_BATCH_BETAS,
    adam,
    classification_cell,
    dataset_cell,
    study_cell,
)
from symlearn.cells.networks import partial
from symlearn.closure import ROOT
from symlearn.config import Config
from symlearn.specs import Cell


def lie_aliasing(config: Config) -> list[Cell]:
    """Nonlinearities and down-samplings, without training."""
    settings = {"seed": config.chosen.seed, **config.chosen.lie_aliasing.model_dump()}
    return [study_cell("lie-aliasing", (), settings, {})]


def _lie_networks(config: Config, network: str) -> list[Cell]:
    """The networks of the family with one architecture, a cell for each augmentation."""
    study = config.chosen.lie_models
    problem = {"train": study.train, "test": study.test, "seeds": list(range(study.seeds))}
    entries: dict[str, dict[str, Any]] = {
        "none": {},
        "translation": {"augmentation": {"kind": "translation", "pixels": study.pixels}},
        "rotation": {"augmentation": {"kind": "rotation"}},
    }
    cells = []
    for name, entry in entries.items():
        recipe = adam(
            study.epochs, study.learning_rate, FULL_BATCH_BETAS, batch=study.batch,
            schedule="cosine", snapshots=[0], **entry,
        )  # fmt: skip
        labels = {"network": network, "augmentation": name}
        cells.append(classification_cell(config, "lie-models", network, problem, recipe, labels))
    return cells


def lie_models(config: Config) -> list[Cell]:
    """Networks of several kinds, trained with and without augmentation."""
    preset, study = config.chosen, config.chosen.lie_models
    settings = {
        "seed": preset.seed,
        **study.model_dump(include={"images", "pixels", "draws"}),
    }
    data = dataset_cell(preset.dataset.name)
    return [
        study_cell(
            "lie-models", [*_lie_networks(config, network), data], settings, {"network": network}
        )
        for network in study.networks
    ]  # fmt: skip


def lie_layers(config: Config) -> list[Cell]:
    """Which layers of them break a symmetry."""
    study, data = config.chosen.lie_layers, dataset_cell(config.chosen.dataset.name)
    return [
        study_cell(
            "lie-layers", [_lie_networks(config, network)[0], data], {"images": study.images},
            {"network": network},
        )
        for network in study.networks
    ]  # fmt: skip


def lie_partial(config: Config) -> list[Cell]:
    """The networks of figure 1, in the pose left out: a cell for each network, over all n."""
    settings = {"images": config.chosen.lie_partial.images}
    by_network: dict[str, list[Cell]] = {}
    for cell in partial(config):
        by_network.setdefault(cell.labels["network"], []).append(cell)
    return [
        study_cell(
            "lie-partial",
            [*cells, dataset_cell(config.chosen.dataset.name)],
            settings,
            {"network": network},
        )
        for network, cells in by_network.items()
    ]


def lie_published(config: Config) -> list[Cell]:
    """The published models of the original's first figure, digitised."""
    content = (ROOT / "studies" / "data" / "lie_title_figure.tsv").read_bytes()
    return [study_cell("lie-published", (), {"sha256": hashlib.sha256(content).hexdigest()}, {})]
