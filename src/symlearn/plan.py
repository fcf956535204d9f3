"""From the config to the cells of work: what each study computes and each figure needs.

Light on purpose, as `config`: the Snakefile imports it.
"""

import ast
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from symlearn.closure import ROOT
from symlearn.config import Classes, Config, LongTraining, Pairs, Partial, Preset, Seeds, Shifts
from symlearn.networks import registry
from symlearn.specs import Cell

STAGES = ("datasets", "orbits", "kernels", "networks", "studies", "figures", "claims")
_PORTRAIT_N = 4  # the symmetries of a square: eight poses fit into a panel


def figures(config: Config) -> dict[str, Cell]:
    """The cell of every figure of the chosen preset, by name."""
    studies = {name: study(config) for name, study in STUDIES.items()}
    found = {}
    for name in figure_names():
        needs = needs_of(name).items()
        cells = [cell for need, labels in needs for cell in _matching(studies[need], labels)]
        on_images = any(cell.stage == "datasets" for cell in all_cells(cells))
        context = _context(config) if on_images else None
        settings = {"figure": name, "preset": config.preset, "context": context}
        found[name] = Cell("figures", name, settings, tuple(cells))
    return found


def all_cells(roots: Iterable[Cell]) -> list[Cell]:
    """The cells and all that they read, each once, inputs first."""
    seen: dict[str, Cell] = {}

    def visit(cell: Cell) -> None:
        key = f"{cell.stage}/{cell.name}"
        if key not in seen:
            for other in cell.inputs:
                visit(other)
            seen[key] = cell

    for root in roots:
        visit(root)
    return list(seen.values())


def figure_names() -> list[str]:
    """The figures there are: the modules of `symlearn.figures` that have NEEDS, numbered first."""
    stems = [path.stem for path in (ROOT / "figures").glob("*.py")]
    names = [stem.replace("_", "-") for stem in stems if _needs(stem) is not None]
    return sorted(names, key=in_order)


def in_order(figure: str) -> tuple[bool, int, str]:
    """The key by which figures are sorted: by number, then those without one, by name."""
    numbered = figure.startswith("fig")
    return not numbered, len(figure) if numbered else 0, figure


def needs_of(figure: str) -> dict[str, dict[str, Any]]:
    """The constant NEEDS of a figure's module, read without importing it."""
    needs = _needs(figure.replace("-", "_"))
    if needs is None:
        raise ValueError(f"symlearn.figures.{figure} has no annotated constant NEEDS")
    return needs


@cache
def _needs(module: str) -> dict[str, dict[str, Any]] | None:
    tree = ast.parse((ROOT / "figures" / f"{module}.py").read_text())
    for node in tree.body:
        match node:
            case ast.AnnAssign(target=ast.Name(id="NEEDS"), value=ast.Dict() as value):
                return ast.literal_eval(value)
    return None


def _matching(cells: Iterable[Cell], labels: Mapping[str, Any]) -> Iterator[Cell]:
    return (cell for cell in cells if all(cell.labels.get(k) == v for k, v in labels.items()))


def _context(config: Config) -> dict[str, Any]:
    """What captions say of the data."""
    return {"dataset": config.chosen.dataset.model_dump(), "seed": config.chosen.seed}


def _dataset(preset: Preset) -> Cell:
    name = preset.dataset.name
    return Cell("datasets", name, {"name": name})


def _orbits(preset: Preset, group: str, n: int, task: Mapping[str, Any]) -> Cell:
    """The orbits of the tasks `start` to `stop`, drawn from the stream `draw`."""
    preparation = preset.dataset.model_dump(exclude={"name"})
    settings = {
        "group": group,
        "n": n,
        "preparation": preparation,
        "task": {"seed": preset.seed, **task},
    }
    slug = f"{task['draw']}-{group}-n{n}-from{task['start']}"
    return Cell("orbits", slug, settings, (_dataset(preset),))


def _kernel(config: Config, orbits: Cell, architecture: str, precision: str = "float64") -> Cell:
    settings = {
        "architecture": config.architecture(architecture),
        "kind": "ntk",
        "precision": precision,
    }
    bits = "" if precision == "float64" else "-32bit"
    return Cell("kernels", f"{architecture}{bits}-{orbits.slug}", settings, (orbits,))


def _study(
    name: str, inputs: Iterable[Cell], settings: Mapping[str, Any], labels: Mapping[str, Any]
) -> Cell:
    cells = tuple(inputs)
    slug = f"{name}-{cells[0].slug}" if cells else name
    # The rank of an architecture in the config serves to choose; it changes no number.
    kept = {key: value for key, value in labels.items() if key != "rank"}
    trained = [cell.settings["network"] for cell in cells if cell.stage == "networks"]
    builds = sorted({kind for network in trained for kind in registry.kinds_of(network)})
    what = {"study": name, "labels": kept, **({"builds": builds} if builds else {})}
    return Cell("studies", slug, {**what, **settings}, cells, labels)


def _chunks(count: int, chunk: int) -> Iterator[dict[str, int]]:
    for start in range(0, count, chunk):
        yield {"start": start, "stop": min(start + chunk, count)}


Grid = Iterator[tuple[Cell, str, dict[str, Any]]]


def _pair_grid(preset: Preset, study: Pairs) -> Grid:
    """The orbits, architecture and labels of each cell of a study of pairs."""
    task = {"draw": "pairs", "classes": 2, "seeds_per_class": 1}
    yield from _grid(preset, study, task, study.pairs, study.chunk)


def _grid(
    preset: Preset, study: Pairs | Seeds | Classes, task: Mapping[str, Any], count: int, chunk: int
) -> Grid:
    for n in study.n:
        for part in _chunks(count, chunk):
            orbits = _orbits(preset, study.group, n, {**task, **part})
            for rank, architecture in enumerate(study.architectures):
                yield orbits, architecture, {"architecture": architecture, "n": n, "rank": rank}


def _rings(config: Config) -> list[Cell]:
    return [_study("rings", (), config.chosen.rings.model_dump(), {})]


def _pairs(config: Config, study: Pairs, ridge_factors: list[float]) -> list[Cell]:
    settings = {"ridge_factors": ridge_factors}
    return [
        _study("pairs", [_kernel(config, orbits, architecture), orbits], settings, labels)
        for orbits, architecture, labels in _pair_grid(config.chosen, study)
    ]


def _rotations(config: Config) -> list[Cell]:
    return _pairs(config, config.chosen.rotations, [0.0])


def _dihedral(config: Config) -> list[Cell]:
    return _pairs(config, config.chosen.dihedral, [0.0])


def _shifts(config: Config) -> list[Cell]:
    study: Shifts = config.chosen.shifts
    return _pairs(config, study, study.ridge_factors)


def _collapse(config: Config) -> list[Cell]:
    """The orbits of the first pair in the space of each kernel, at the largest n."""
    study = config.chosen.shifts
    orbits = _portrait_orbits(config, study.group, max(study.n))
    return [
        _study("collapse", [_kernel(config, orbits, name)], {}, {"architecture": name})
        for name in study.architectures
    ]


def _portrait_orbits(config: Config, group: str, n: int) -> Cell:
    """The orbits of one image of each of the two classes that are drawn."""
    classes = list(config.chosen.portrait.classes)
    task = {"draw": "portrait", "classes": classes, "seeds_per_class": 1, "start": 0, "stop": 1}
    return _orbits(config.chosen, group, n, task)


def _portrait(config: Config) -> list[Cell]:
    orbits = _portrait_orbits(config, config.chosen.rotations.group, config.chosen.portrait.poses)
    return [_study("portrait", [orbits], {}, {})]


def _dihedral_portrait(config: Config) -> list[Cell]:
    study = config.chosen.dihedral
    orbits = _portrait_orbits(config, study.group, _PORTRAIT_N)
    return [_study("portrait", [orbits], {}, {})]


def _seeds(config: Config) -> list[Cell]:
    preset, study = config.chosen, config.chosen.seeds
    task = {"draw": "seeds", "classes": 2, "seeds_per_class": study.seeds_per_class}
    return [
        _study("seeds", [_kernel(config, orbits, architecture)], {}, labels)
        for orbits, architecture, labels in _grid(preset, study, task, study.draws, study.chunk)
    ]


def _classes(config: Config) -> list[Cell]:
    preset, study = config.chosen, config.chosen.classes
    task = {
        "draw": "classes",
        "classes": list(range(10)),
        "seeds_per_class": study.seeds_per_class,
    }
    return [
        _study("classes", [_kernel(config, orbits, architecture)], {}, labels)
        for orbits, architecture, labels in _grid(preset, study, task, count=1, chunk=1)
    ]


def _precision(config: Config) -> list[Cell]:
    def kernels(orbits: Cell, architecture: str) -> list[Cell]:
        return [_kernel(config, orbits, architecture, bits) for bits in ("float64", "float32")]

    return [
        _study("precision", kernels(orbits, architecture), {}, labels)
        for orbits, architecture, labels in _pair_grid(config.chosen, config.chosen.precision)
    ]


# The authors' (fig1_data.py), where Adam sees batches; PyTorch's own in full batches.
_BETAS, _FULL_BATCH_BETAS = [0.7, 0.9], [0.9, 0.999]


def _adam(epochs: int, learning_rate: float, betas: list[float], **more: Any) -> dict[str, Any]:
    return {
        "optimizer": "adam",
        "epochs": epochs,
        "learning_rate": learning_rate,
        "betas": betas,
        "weight_decay": 0.0,
        "centred": False,
        **more,
    }


def _trained(
    study: str, slug: str, source: Cell, settings: Mapping[str, Any], labels: Mapping[str, Any]
) -> Cell:
    kept = {"study": study, "labels": dict(labels), **settings}
    return Cell("networks", f"{study}-{slug}", kept, (source,), labels)


def _partial(config: Config) -> list[Cell]:
    study = config.chosen.partial
    recipe = _adam(study.epochs, study.learning_rate, _BETAS, batch=study.batch)
    return [
        _partial_cell(config, "partial", study, network, n, part, recipe)
        for n in study.n
        for network in study.networks
        for part in _chunks(len(study.left_out), study.chunk)
    ]


def _partial_cell(
    config: Config,
    name: str,
    study: Partial | LongTraining,
    network: str,
    n: int,
    part: Mapping[str, int],
    recipe: Mapping[str, Any],
) -> Cell:
    preset = config.chosen
    left_out = study.left_out[part["start"] : part["stop"]]
    seeds = study.seeds if isinstance(study, Partial) else 1
    settings = {
        "network": config.network(network),
        "problem": {
            "kind": "partial-rotations",
            "n": n,
            "images": study.images,
            "preparation": preset.dataset.model_dump(exclude={"name"}),
            "members": [[digit, seed] for digit in left_out for seed in range(seeds)],
        },
        "recipe": recipe,
        "seed": preset.seed,
    }
    decay = recipe["weight_decay"]
    labels = {"network": network, "n": n, "weight_decay": decay}
    slug = f"{network}-n{n}-from{part['start']}"
    if decay:
        slug += f"-decay{decay:g}".replace(".", "p")
    return _trained(name, slug, _dataset(preset), settings, labels)


def classification_cell(
    config: Config,
    study: str,
    network: str,
    problem: Mapping[str, Any],
    recipe: Mapping[str, Any],
    labels: Mapping[str, Any],
    dataset: str | None = None,
) -> Cell:
    """Networks trained to classify a data set (by default the preset's), one for each seed.

    `problem` has `train`, `test` (numbers of images) and `seeds`; `labels` tell the cell from the
    others of its study, and are its slug.
    """
    preset = config.chosen
    plain = {"upsampling": 1, "padding": 0}
    own = dataset is None or dataset == preset.dataset.name
    settings = {
        "network": config.network(network),
        "problem": {
            "kind": "classification",
            "preparation": preset.dataset.model_dump(exclude={"name"}) if own else plain,
            **problem,
        },
        "recipe": recipe,
        "seed": preset.seed,
    }
    source = _dataset(preset) if dataset is None else Cell("datasets", dataset, {"name": dataset})
    slug = "-".join(f"{key}-{value}" if not isinstance(value, str) else value
                    for key, value in labels.items())  # fmt: skip
    slug = re.sub("[^a-z0-9]+", "-", slug.lower()).strip("-")
    return _trained(study, slug, source, settings, labels)


def _long_training(config: Config) -> list[Cell]:
    study = config.chosen.long_training
    everything = {"start": 0, "stop": len(study.left_out)}
    recipes = [
        _adam(
            study.epochs, study.learning_rate, _FULL_BATCH_BETAS, batch=study.batch,
            weight_decay=decay,
        )
        for decay in study.weight_decays
    ]  # fmt: skip
    return [
        _partial_cell(config, "long-training", study, study.network, study.n, everything, recipe)
        for recipe in recipes
    ]


_RECORDED = 40  # times that the errors of a full-batch training are measured


def _on_pairs(
    config: Config,
    name: str,
    orbits: Cell,
    architecture: str,
    width: int,
    problem: Mapping[str, Any],
    recipe: Mapping[str, Any],
) -> Cell:
    entry = {"kind": "ntk", "architecture": config.architecture(architecture), "width": width}
    settings = {
        "network": entry,
        "problem": {"kind": "pairs", **problem},
        "recipe": recipe,
        "seed": config.chosen.seed,
    }
    labels = {"architecture": architecture, "n": orbits.settings["n"], "width": width}
    slug = f"{architecture}-width{width}-{orbits.slug}"
    return _trained(name, slug, orbits, settings, labels)


def _pair_orbits(config: Config, n: int, part: Mapping[str, int]) -> Cell:
    task = {"draw": "pairs", "classes": 2, "seeds_per_class": 1, **part}
    return _orbits(config.chosen, config.chosen.rotations.group, n, task)


def _trained_pairs(config: Config) -> list[Cell]:
    study = config.chosen.trained_pairs
    epochs = min(_RECORDED, study.steps)
    problem = {"in_coordinates": False, "seeds": 1, "steps": study.steps // epochs}
    recipe = _adam(epochs, study.learning_rate, _FULL_BATCH_BETAS)
    return [
        _on_pairs(
            config, "trained-pairs", _pair_orbits(config, study.n, part), study.architecture,
            study.width, problem, recipe,
        )
        for part in _chunks(study.pairs, study.chunk)
    ]  # fmt: skip


def _widths(config: Config) -> list[Cell]:
    study = config.chosen.widths
    epochs = min(_RECORDED, study.steps)
    problem = {
        "in_coordinates": True,
        "seeds": study.seeds,
        "steps": study.steps // epochs,
    }
    recipe = {
        "optimizer": "gradient-descent",
        "epochs": epochs,
        "learning_rate": study.learning_rate,
        "momentum": study.momentum,
        "centred": True,
    }
    everything = {"start": 0, "stop": study.pairs}
    return [
        _on_pairs(
            config, "widths", _pair_orbits(config, n, everything), study.architecture, width,
            problem, recipe,
        )
        for n in study.n
        for width in study.widths
    ]  # fmt: skip


def _trained_classes(config: Config) -> list[Cell]:
    preset, study, theory = config.chosen, config.chosen.trained_classes, config.chosen.classes
    task = {"draw": "classes", "classes": list(range(10)), "start": 0, "stop": 1}
    task["seeds_per_class"] = theory.seeds_per_class
    settings = {
        "network": config.network(study.network),
        "problem": {"kind": "classes", "left_out": list(range(10))},
        "recipe": _adam(study.epochs, study.learning_rate, _BETAS, batch=study.batch),
        "seed": preset.seed,
    }
    cells = []
    for n in study.n:
        orbits = _orbits(preset, theory.group, n, task)
        labels = {"network": study.network, "n": n}
        slug = f"{study.network}-{orbits.slug}"
        cells.append(_trained("trained-classes", slug, orbits, settings, labels))
    return cells


def _stability_samples(config: Config) -> list[Cell]:
    preset, study = config.chosen, config.chosen.stability_samples.model_dump()
    preparation = {"upsampling": study.pop("upsampling"), "padding": preset.dataset.padding}
    settings = {"preparation": preparation, "seed": preset.seed, **study}
    return [_study("stability-samples", [_dataset(preset)], settings, {})]


def _lie_aliasing(config: Config) -> list[Cell]:
    settings = {"seed": config.chosen.seed, **config.chosen.lie_aliasing.model_dump()}
    return [_study("lie-aliasing", (), settings, {})]


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
        recipe = _adam(
            study.epochs, study.learning_rate, _FULL_BATCH_BETAS, batch=study.batch,
            schedule="cosine", snapshots=[0], **entry,
        )  # fmt: skip
        labels = {"network": network, "augmentation": name}
        cells.append(classification_cell(config, "lie-models", network, problem, recipe, labels))
    return cells


def _lie_models(config: Config) -> list[Cell]:
    preset, study = config.chosen, config.chosen.lie_models
    settings = {
        "seed": preset.seed,
        **study.model_dump(include={"images", "pixels", "draws"}),
    }
    return [
        _study(
            "lie-models", [*_lie_networks(config, network), _dataset(preset)], settings,
            {"network": network},
        )
        for network in study.networks
    ]  # fmt: skip


def _lie_layers(config: Config) -> list[Cell]:
    study, data = config.chosen.lie_layers, _dataset(config.chosen)
    return [
        _study(
            "lie-layers", [_lie_networks(config, network)[0], data], {"images": study.images},
            {"network": network},
        )
        for network in study.networks
    ]  # fmt: skip


def _lie_partial(config: Config) -> list[Cell]:
    """A cell for each network, over all n."""
    settings = {"images": config.chosen.lie_partial.images}
    by_network: dict[str, list[Cell]] = {}
    for cell in _partial(config):
        by_network.setdefault(cell.labels["network"], []).append(cell)
    return [
        _study("lie-partial", [*cells, _dataset(config.chosen)], settings, {"network": network})
        for network, cells in by_network.items()
    ]


def _lie_published(config: Config) -> list[Cell]:
    content = (ROOT / "studies" / "data" / "lie_title_figure.tsv").read_bytes()
    return [_study("lie-published", (), {"sha256": hashlib.sha256(content).hexdigest()}, {})]


# The cells of each study, by the name that figures ask for.
STUDIES: Mapping[str, Callable[[Config], list[Cell]]] = {
    "rings": _rings,
    "portrait": _portrait,
    "rotations": _rotations,
    "seeds": _seeds,
    "classes": _classes,
    "shifts": _shifts,
    "collapse": _collapse,
    "dihedral": _dihedral,
    "dihedral-portrait": _dihedral_portrait,
    "precision": _precision,
    "partial": _partial,
    "long-training": _long_training,
    "trained-pairs": _trained_pairs,
    "trained-classes": _trained_classes,
    "widths": _widths,
    "stability-samples": _stability_samples,
    "lie-aliasing": _lie_aliasing,
    "lie-models": _lie_models,
    "lie-layers": _lie_layers,
    "lie-partial": _lie_partial,
    "lie-published": _lie_published,
}

if __name__ == "__main__":
    # The command is in a package of its own, so that this module stays what the Snakefile imports.
    import sys

    from symlearn.forecast.__main__ import main

    sys.exit(main())
