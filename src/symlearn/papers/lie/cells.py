"""The studies of the Lie derivative.

Each public function is a study: from the settings that its arguments name to its cells.
"""

import hashlib
import re
from pathlib import Path
from typing import Any

from symlearn.menu.values import Context
from symlearn.papers.lie.settings import (
    LieAliasing,
    LieLayers,
    LieModels,
    LiePartial,
    LiePretrained,
)
from symlearn.papers.orbits.cells import partial as networks_of_figure_1
from symlearn.papers.orbits.settings import Partial
from symlearn.pipeline.frame import (
    FULL_BATCH_BETAS,
    adam,
    classification_cell,
    dataset_cell,
    study_cell,
)
from symlearn.pipeline.hashes import sha256
from symlearn.pipeline.specs import Cell

_DATA = Path(__file__).with_name("data")
# As `symlearn.papers.lie.published` reads them, which takes array libraries.
_PUBLISHED = {
    "models": _DATA / "lie_title_figure.tsv",
    "layers": _DATA / "lie_title_figure_layers.tsv",
}


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
    settings = {name: sha256(path) for name, path in _PUBLISHED.items()}
    return [study_cell("lie-published", "lie.published", (), {"sha256": settings})]


def lie_pretrained(context: Context, lie_pretrained: LiePretrained) -> list[Cell]:
    """Pretrained models on photographs, where these are there: a cell for each model."""
    folder = Path(context.data_root or "data", lie_pretrained.pictures).absolute()
    if not folder.is_dir() or not lie_pretrained.models:
        return []
    settings = {
        "seed": context.seed,
        "pictures": _listing(folder),
        **lie_pretrained.model_dump(exclude={"models", "pictures"}),
    }
    return [
        study_cell(
            "lie-pretrained", "lie.pretrained", (),
            {**settings, "weights": _weights(model.weights)},
            {"model": model.name, "accuracy": model.accuracy, "path": str(folder)},
            slug=f"lie-pretrained-{re.sub('[^a-z0-9]+', '-', model.name.lower())}",
        )
        for model in lie_pretrained.models
    ]  # fmt: skip


def _listing(folder: Path) -> dict[str, Any]:
    """How many files a folder has, and the hash of their paths and sizes.

    To hash their bytes would take seconds or hours at each start; the job hashes those it reads.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{path.relative_to(folder).as_posix()} {path.stat().st_size}\n" for path in files]
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    return {"files": len(files), "sha256": digest}


def _weights(source: str) -> dict[str, str]:
    """Where weights come from; a file is told by its bytes."""
    path = Path(source)
    if source in ("package", "hub") or not path.is_file():
        return {"from": source}
    return {"from": source, "sha256": sha256(path)}


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
