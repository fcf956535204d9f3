"""What the cells of several papers are made of: data sets, trained networks, computations."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from symlearn.menu import lookup, own_images
from symlearn.menu.values import Context, ImageSet
from symlearn.pipeline.specs import Cell

# Labels that change no number: the rank of an architecture in the config serves to choose, and a
# path says where files lie that the settings tell by their bytes.
_UNNUMBERED = ("rank", "path")


def dataset_cell(images: ImageSet) -> Cell:
    """A data set, whole and as published; images of one's own are told by their bytes.

    Where these lie is a label, since it changes no number.
    """
    name, own = images.name, images.own
    if own is None:
        return Cell("datasets", name, {"name": name})
    facts = {**own.facts._asdict(), "names": list(own.facts.names)}
    settings = {"name": own_images.NAME, "sha256": own.sha256, "facts": facts}
    return Cell("datasets", name, settings, labels={"path": str(images.path)})


def study_cell(
    study: str,
    module: str,
    inputs: Iterable[Cell],
    settings: Mapping[str, Any],
    labels: Mapping[str, Any] | None = None,
    *,
    slug: str = "",
    uses: lookup.Uses = frozenset(),
    together: str = "",
) -> Cell:
    """A cell of a study, computed from other cells by a module of `symlearn.papers`.

    `labels` tell it from the others of its study. Its slug is, if none is given, the study's name
    and the slug of the first input. `uses` are networks, architectures and groups of the menu that
    it builds itself, beside those of its inputs. Cells with the same word in `together` may share a
    job.
    """
    cells = tuple(inputs)
    kept = {key: value for key, value in (labels or {}).items() if key not in _UNNUMBERED}
    trained = [cell.settings["network"] for cell in cells if cell.stage == "networks"]
    uses = uses.union(*(lookup.uses_of({"network": network}) for network in trained))
    what = {"study": study, "module": module, "labels": kept}
    if uses:
        what["uses"] = lookup.as_lists(uses)
    slug = slug or (f"{study}-{cells[0].slug}" if cells else study)
    return Cell("studies", slug, {**what, **settings}, cells, labels or {}, together)


def chunks(count: int, chunk: int) -> Iterator[dict[str, int]]:
    """The tasks of each cell: `start` and `stop`."""
    for start in range(0, count, chunk):
        yield {"start": start, "stop": min(start + chunk, count)}


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
    study: str,
    slug: str,
    source: Cell,
    settings: Mapping[str, Any],
    labels: Mapping[str, Any],
    network: str,
    *tests: Cell,
) -> Cell:
    """Networks trained on the points of another cell; those of one `network` may share a job.

    `tests` is the data set that they are tested on, where it is another one.
    """
    kept = {"study": study, "labels": dict(labels), **settings}
    data = f"-{source.slug}" if source.stage == "datasets" else ""
    together = f"{study}-{network}{data}"
    return Cell("networks", f"{study}-{slug}", kept, (source, *tests), labels, together)


def classification_cell(
    context: Context,
    study: str,
    network: str | Mapping[str, Any],
    problem: Mapping[str, Any],
    recipe: Mapping[str, Any],
    labels: Mapping[str, Any],
    images: ImageSet | None = None,
    *,
    normalised: bool = False,
    test_set: ImageSet | None = None,
    apart: str = "",
) -> Cell:
    """Networks trained to classify images (by default the preset's), one for each seed.

    They see intensities in [0, 1], or `normalised` as is usual for the data set. Test images are of
    the same data set, or of a `test_set`.

    `network` is a name of the config, or an entry; `problem` has `train`, `test` (numbers of
    images) and `seeds`; `labels` tell the cell from the others of its study, and are its slug.
    Cells with another word in `apart` share no job: two of them may have one slug.
    """
    plain = {"upsampling": 1, "padding": 0}
    own = context.dataset.image_set
    images = images or own
    facts = images.facts
    usual = {"mean": list(facts.mean), "deviation": list(facts.deviation)}
    settings = {
        "network": context.network(network) if isinstance(network, str) else network,
        "problem": {
            "kind": "classification",
            "preparation": context.dataset.preparation if images == own else plain,
            **({"normalisation": usual} if normalised and facts.mean else {}),
            **({"test_set": test_set.name} if test_set else {}),
            **problem,
        },
        "recipe": {"records": RECORDS, **recipe},
        "seed": context.seed,
    }
    words = (v if isinstance(v, str) else f"{key}-{v}" for key, v in labels.items())
    slug = re.sub("[^a-z0-9]+", "-", "-".join(words).lower()).strip("-")
    together = f"{network if isinstance(network, str) else network['kind']}{apart}"
    tests = [dataset_cell(test_set)] if test_set else []
    return trained_cell(study, slug, dataset_cell(images), settings, labels, together, *tests)
