"""From the config to the cells of work: what each study computes and each figure needs.

Light on purpose, as `config`: the Snakefile imports it.
"""

import ast
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from math import ceil
from typing import Any

from symlearn.closure import ROOT
from symlearn.config import (
    Classes,
    Config,
    Dataset,
    InvarianceFamily,
    LongTraining,
    Pairs,
    Partial,
    Preset,
    Seeds,
    Shifts,
    StabilityTask,
)
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
        read = {cell.slug for cell in all_cells(cells) if cell.stage == "datasets"}
        # A figure of several data sets names them itself.
        context = _context(config) if read == {config.chosen.dataset.name} else None
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
    cells = []
    for n in study.n:
        points = 10 * theory.seeds_per_class * n
        epochs = max(study.epochs, ceil(study.least_steps * min(study.batch / points, 1)))
        settings = {
            "network": config.network(study.network),
            "problem": {"kind": "classes", "left_out": list(range(10))},
            "recipe": _adam(epochs, study.learning_rate, _BETAS, batch=study.batch),
            "seed": preset.seed,
        }
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


_MOST_EPOCHS = 5000  # the authors'
_NORMED = ("resnet", "efficientnet-b0")


def _stability(config: Config) -> list[Cell]:
    """A cell for each network and data set, over all numbers of training images."""
    study = config.chosen.stability
    measured = study.model_dump(exclude={"tasks"})
    cells = []
    for task in study.tasks:
        for network in task.networks:
            trained = [_stability_networks(config, task, network, p) for p in task.points]
            labels = {"network": network, "dataset": task.dataset}
            settings = {"seed": config.chosen.seed, **measured}
            inputs = [*trained, trained[0].inputs[0]]
            cell = _study("stability", inputs, settings, labels)
            cells.append(replace(cell, slug=f"stability-{network}-{task.dataset}"))
    return cells


def _stability_networks(config: Config, task: StabilityTask, network: str, points: int) -> Cell:
    batch = min(task.batch, points)
    epochs = min(max(1, round(task.steps * batch / points)), _MOST_EPOCHS)
    problem = {"train": points, "test": task.test, "seeds": list(range(task.seeds))}
    labels = {"network": network, "dataset": task.dataset, "p": points}
    recipe = _stability_recipe(config.network(network), epochs, batch)
    if task.dataset.startswith("cifar"):
        recipe["augmentation"] = {"kind": "crop-and-flip", "pixels": 4}
    return classification_cell(
        config, "stability", network, problem, recipe, labels, dataset=task.dataset
    )


def _stability_recipe(network: Mapping[str, Any], epochs: int, batch: int) -> dict[str, Any]:
    """The authors' SGD for networks with batch norm; Adam for others, which its rate undoes."""
    shared = {"batch": batch, "snapshots": [0]}
    if network["kind"] not in _NORMED and not network.get("norm", False):
        return _adam(epochs, 1e-3, _FULL_BATCH_BETAS, **shared)
    return {
        "optimizer": "sgd",
        "epochs": epochs,
        "learning_rate": 0.1,
        "momentum": 0.9,
        "weight_decay": 5e-4,
        "schedule": "cosine",
        "centred": False,
        **shared,
    }


# The scale of the output of each regime: small learns features, large is lazy. `limits` are those
# of a step (`networks.stripe.Limits`).
_LIMITS = {"parameters": 0.02, "outputs": 0.2}
_FEATURE: Mapping[str, Any] = {"alpha": 1e-4, "limits": _LIMITS}
_LAZY: Mapping[str, Any] = {"alpha": 1e4, "limits": _LIMITS}
# What the feature regime's errors must not depend on, one change at a time; `width` is a factor.
_STRIPE_CHECKS: Mapping[str, Mapping[str, Any]] = {
    "wider": {"width": 4},
    "smaller-steps": {"limits": {"parameters": 0.01, "outputs": 0.1}},
    "smaller-scale": {"alpha": 1e-6},
}


def _stripe_training(config: Config) -> list[Cell]:
    study = config.chosen.stripe_training
    grid = [("feature", runs, _FEATURE) for runs in study.feature]
    grid += [("lazy", runs, _LAZY) for runs in study.lazy]
    for name, change in _STRIPE_CHECKS.items():
        grid.append((name, study.checks, {**_FEATURE, **change}))
    return [
        _stripe_cell(config, regime, runs.points, part, how)
        for regime, runs, how in grid
        for part in _chunks(runs.seeds, study.chunk)
    ]


def _stripe_cell(
    config: Config, regime: str, points: int, part: Mapping[str, int], how: Mapping[str, Any]
) -> Cell:
    study = config.chosen.stripe_training
    settings = {
        **how,
        "dimension": study.dimension,
        "width": study.width * how.get("width", 1),
        "test_points": study.test_points,
        "points": points,
        "seeds": list(range(part["start"], part["stop"])),
        "seed": config.chosen.seed,
    }
    cell = _study("stripe-training", (), settings, {"regime": regime, "points": points})
    return replace(cell, slug=f"stripe-training-{regime}-p{points}-from{part['start']}")


def _stripe_kernel(config: Config) -> list[Cell]:
    study = config.chosen.stripe_training
    runs = [one.model_dump() for one in study.kernel]
    settings = {"dimension": study.dimension, "runs": runs, "seed": config.chosen.seed}
    return [_study("stripe-kernel", (), settings, {})]


def _lie_aliasing(config: Config) -> list[Cell]:
    settings = {"seed": config.chosen.seed, **config.chosen.lie_aliasing.model_dump()}
    return [_study("lie-aliasing", (), settings, {})]


def _invariance(config: Config) -> list[Cell]:
    """All networks of a family, measured on test images and on shifted ones."""
    preset, study = config.chosen, config.chosen.invariance
    settings = {
        "images": study.images,
        "shifts": study.shifts,
        "shift_strengths": study.shift_strengths,
        "other": study.other.model_dump() if study.other else None,
        "seed": preset.seed,
    }
    sources = [_dataset(preset), *([_other_dataset(study.other)] if study.other else [])]
    cells = []
    for family in study.families:
        acting = {"group": family.group, "n": family.n}
        networks = _invariance_family(config, family)
        labels = {"network": family.network, **acting}
        cells.append(_study("invariance", [*networks, *sources], {**acting, **settings}, labels))
    return cells


def _other_dataset(dataset: Dataset) -> Cell:
    return Cell("datasets", dataset.name, {"name": dataset.name})


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
    recipe = _adam(study.epochs, study.learning_rate, _FULL_BATCH_BETAS, **{**common, **more})
    return classification_cell(config, "invariance", network, problem, recipe, labels)


def _first_family(config: Config, *models: str) -> list[Cell]:
    """The networks of the first family that were made in one of these ways."""
    cells = _invariance_family(config, config.chosen.invariance.families[0])
    return [cell for cell in cells if cell.labels["model"] in models]


def _invariance_decay(config: Config) -> list[Cell]:
    """The spectra and sensitivities of networks that learned, over training."""
    preset, study = config.chosen, config.chosen.invariance
    family = study.families[0]
    settings = {
        "group": family.group, "n": family.n, "images": study.images, "seed": preset.seed,
    }  # fmt: skip
    cells = _first_family(config, "augmented", "regularised", "decayed")
    return [_study("invariance-decay", [*cells, _dataset(preset)], settings, {})]


def _invariance_saliency(config: Config) -> list[Cell]:
    """The saliency of one image by networks that learned invariance, and by one that is tied."""
    preset, study = config.chosen, config.chosen.invariance
    family = study.families[0]
    settings = {"group": family.group, "n": family.n, "class_": study.class_}
    cells = [
        cell
        for cell in _first_family(config, "augmented", "regularised", family.tied[0])
        if cell.labels.get("strength", study.strength) == study.strength
    ]
    return [_study("invariance-saliency", [*cells, _dataset(preset)], settings, {})]


def _invariance_partial(config: Config) -> list[Cell]:
    """All networks of `partial` of one kind, measured under the rotations that they saw."""
    preset = config.chosen
    settings = {"images": preset.invariance.partial_images, "seed": preset.seed}
    trained = _partial(config)
    return [
        _study(
            "invariance-partial",
            [*(cell for cell in trained if cell.labels["network"] == name), _dataset(preset)],
            settings,
            {"network": name},
        )
        for name in preset.partial.networks
    ]


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
    "stability": _stability,
    "stripe-training": _stripe_training,
    "stripe-kernel": _stripe_kernel,
    "lie-aliasing": _lie_aliasing,
    "invariance": _invariance,
    "invariance-decay": _invariance_decay,
    "invariance-saliency": _invariance_saliency,
    "invariance-partial": _invariance_partial,
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
