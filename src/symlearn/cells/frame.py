"""What the cells of all studies are made of: data sets, orbits, kernels, trained networks."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from symlearn.config import Config, Preset
from symlearn.networks import registry
from symlearn.settings import Classes, Pairs, Seeds
from symlearn.specs import Cell


def dataset_cell(name: str) -> Cell:
    """A data set, whole and as published."""
    return Cell("datasets", name, {"name": name})


def orbits_cell(preset: Preset, group: str, n: int, task: Mapping[str, Any]) -> Cell:
    """The orbits of the tasks `start` to `stop`, drawn from the stream `draw`."""
    preparation = preset.dataset.model_dump(exclude={"name"})
    settings = {
        "group": group,
        "n": n,
        "preparation": preparation,
        "task": {"seed": preset.seed, **task},
    }
    slug = f"{task['draw']}-{group}-n{n}-from{task['start']}"
    return Cell("orbits", slug, settings, (dataset_cell(preset.dataset.name),))


def kernel_cell(
    config: Config, orbits: Cell, architecture: str, precision: str = "float64"
) -> Cell:
    """The Gram matrices of an architecture on orbits."""
    settings = {
        "architecture": config.architecture(architecture),
        "kind": "ntk",
        "precision": precision,
    }
    bits = "" if precision == "float64" else "-32bit"
    return Cell("kernels", f"{architecture}{bits}-{orbits.slug}", settings, (orbits,))


def study_cell(
    name: str, inputs: Iterable[Cell], settings: Mapping[str, Any], labels: Mapping[str, Any]
) -> Cell:
    """A study of other cells; its slug is its name and that of the first of them."""
    cells = tuple(inputs)
    slug = f"{name}-{cells[0].slug}" if cells else name
    # The rank of an architecture in the config serves to choose; it changes no number.
    kept = {key: value for key, value in labels.items() if key != "rank"}
    trained = [cell.settings["network"] for cell in cells if cell.stage == "networks"]
    builds = sorted({kind for network in trained for kind in registry.kinds_of(network)})
    what = {"study": name, "labels": kept, **({"builds": builds} if builds else {})}
    return Cell("studies", slug, {**what, **settings}, cells, labels)


def chunks(count: int, chunk: int) -> Iterator[dict[str, int]]:
    """The tasks of each job: `start` and `stop`."""
    for start in range(0, count, chunk):
        yield {"start": start, "stop": min(start + chunk, count)}


Grid = Iterator[tuple[Cell, str, dict[str, Any]]]


def pair_grid(preset: Preset, study: Pairs) -> Grid:
    """The orbits, architecture and labels of each cell of a study of pairs."""
    task = {"draw": "pairs", "classes": 2, "seeds_per_class": 1}
    yield from grid_cells(preset, study, task, study.pairs, study.chunk)


def grid_cells(
    preset: Preset, study: Pairs | Seeds | Classes, task: Mapping[str, Any], count: int, chunk: int
) -> Grid:
    """The orbits, architecture and labels of each cell of a study over n and architectures."""
    for n in study.n:
        for part in chunks(count, chunk):
            orbits = orbits_cell(preset, study.group, n, {**task, **part})
            for rank, architecture in enumerate(study.architectures):
                yield orbits, architecture, {"architecture": architecture, "n": n, "rank": rank}


def portrait_orbits(config: Config, group: str, n: int) -> Cell:
    """The orbits of one image of each of the two classes that are drawn."""
    classes = list(config.chosen.portrait.classes)
    task = {"draw": "portrait", "classes": classes, "seeds_per_class": 1, "start": 0, "stop": 1}
    return orbits_cell(config.chosen, group, n, task)


# Times that metrics are measured in trainings of which figures show the end alone.
RECORDS = 10

# The authors' (fig1_data.py), where Adam sees batches; PyTorch's own in full batches.
BETAS, FULL_BATCH_BETAS = [0.7, 0.9], [0.9, 0.999]


def adam(epochs: int, learning_rate: float, betas: list[float], **more: Any) -> dict[str, Any]:
    """A recipe for Adam, without weight decay unless `more` says so."""
    return {
        "optimizer": "adam",
        "epochs": epochs,
        "learning_rate": learning_rate,
        "betas": betas,
        "weight_decay": 0.0,
        "centred": False,
        **more,
    }


def trained_cell(
    study: str, slug: str, source: Cell, settings: Mapping[str, Any], labels: Mapping[str, Any]
) -> Cell:
    """Networks trained on the points of another cell."""
    kept = {"study": study, "labels": dict(labels), **settings}
    return Cell("networks", f"{study}-{slug}", kept, (source,), labels)


def classification_cell(
    config: Config,
    study: str,
    network: str | Mapping[str, Any],
    problem: Mapping[str, Any],
    recipe: Mapping[str, Any],
    labels: Mapping[str, Any],
    dataset: str | None = None,
) -> Cell:
    """Networks trained to classify a data set (by default the preset's), one for each seed.

    `network` is a name of the config, or an entry; `problem` has `train`, `test` (numbers of
    images) and `seeds`; `labels` tell the cell from the others of its study, and are its slug.
    """
    preset = config.chosen
    plain = {"upsampling": 1, "padding": 0}
    own = dataset is None or dataset == preset.dataset.name
    settings = {
        "network": config.network(network) if isinstance(network, str) else network,
        "problem": {
            "kind": "classification",
            "preparation": preset.dataset.model_dump(exclude={"name"}) if own else plain,
            **problem,
        },
        "recipe": {"records": RECORDS, **recipe},
        "seed": preset.seed,
    }
    source = dataset_cell(dataset or preset.dataset.name)
    slug = "-".join(f"{key}-{value}" if not isinstance(value, str) else value
                    for key, value in labels.items())  # fmt: skip
    slug = re.sub("[^a-z0-9]+", "-", slug.lower()).strip("-")
    return trained_cell(study, slug, source, settings, labels)
