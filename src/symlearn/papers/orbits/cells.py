"""The studies of partially observed orbits: figures 1 to 12.

Each public function is a study: from the settings that its arguments name to its cells.
"""

from collections.abc import Iterator, Mapping
from math import ceil, log
from typing import Any

from symlearn.menu import lookup
from symlearn.menu.values import Context
from symlearn.papers.orbits.settings import (
    Classes,
    Dihedral,
    LongTraining,
    Pairs,
    Partial,
    Portrait,
    Precision,
    RingSweeps,
    Rotations,
    Seeds,
    SelfSupervised,
    Shifts,
    Softness,
    TrainedClasses,
    TrainedPairs,
    TrainedPoses,
    Widths,
    WithoutLabels,
)
from symlearn.papers.orbits.shares import epoch_points
from symlearn.papers.orbits.views import pairs_of_poses
from symlearn.pipeline.frame import (
    BETAS,
    FULL_BATCH_BETAS,
    RECORDS,
    adam,
    chunks,
    dataset_cell,
    study_cell,
    trained_cell,
)
from symlearn.pipeline.specs import Cell

_PORTRAIT_N = 4  # the symmetries of a square: eight poses fit into a panel
_SOFT_N = 7  # as figure 7 draws errors
_FEW_RECORDS = 4
_RECORDED = 40  # times at most that the errors of a full-batch training are measured


def rings(context: Context, rings: RingSweeps) -> list[Cell]:
    """Two rings of points (figures 2 and 3)."""
    kernel = frozenset({("architectures", "rbf")})
    return [study_cell("rings", "orbits.rings", (), rings.model_dump(), uses=kernel)]


def rotations(context: Context, rotations: Rotations) -> list[Cell]:
    """Pairs under rotations (figures 4, 5 and 9)."""
    return _pairs(context, "rotations", rotations, [0.0])


def dihedral(context: Context, dihedral: Dihedral) -> list[Cell]:
    """Pairs under rotations and reflections (figure 8)."""
    return _pairs(context, "dihedral", dihedral, [0.0])


def shifts(context: Context, shifts: Shifts) -> list[Cell]:
    """Pairs under cyclic shifts, with ridges (figure 7)."""
    return _pairs(context, "shifts", shifts, shifts.ridge_factors)


def collapse(context: Context, shifts: Shifts, portrait: Portrait) -> list[Cell]:
    """The portrait's two images in all poses, in the space of each kernel, at the largest n."""
    orbits = _portrait_orbits(context, portrait, shifts.group, max(shifts.n))
    return [
        study_cell(
            "collapse", "orbits.collapse", [_kernel_cell(context, orbits, name)], {},
            {"architecture": name}, together=f"collapse-{orbits.together}",
        )
        for name in shifts.architectures
    ]  # fmt: skip


def softness(context: Context, softness: Softness, shifts: Shifts) -> list[Cell]:
    """The same pairs at one n, between augmented and tied (figure 7).

    They are of the first architecture that has networks of a width and keeps orbits apart: a pooled
    one has nothing left to tie, and without a ridge no inverse.
    """
    name = next((one for one in shifts.architectures if _softens(context, one)), None)
    if name is None:
        return []
    n = min(shifts.n, key=lambda one: abs(log(one / _SOFT_N)))
    entry = context.architecture(name)
    network = {"kind": "ntk", "architecture": entry, "width": softness.width}
    tied = {"kind": "orbit-averaged", "network": network, "group": shifts.group, "n": n}
    uses = lookup.uses_of({"network": tied, "group": shifts.group})
    task = {"draw": "pairs", "classes": 2, "seeds_per_class": 1}
    cells = []
    for part in chunks(shifts.pairs, shifts.chunk):
        orbits = _orbits_cell(context, shifts.group, n, {**task, **part})
        own = {
            "group": shifts.group, "shares": softness.shares, "network": network, "tied": tied,
            "first_task": part["start"], "seed": context.seed,
            "networks": max(0, min(softness.pairs, part["stop"]) - part["start"]),
        }  # fmt: skip
        cells.append(
            study_cell(
                "softness", "orbits.softness", [_kernel_cell(context, orbits, name), orbits], own,
                {"architecture": name, "n": n}, uses=uses,
                together=f"softness-{orbits.together}",
            )
        )  # fmt: skip
    return cells


def _softens(context: Context, name: str) -> bool:
    entry = context.architecture(name)
    return entry["kind"] in ("mlp", "cnn") and entry.get("readout") != "gap"


def portrait(context: Context, portrait: Portrait, rotations: Rotations) -> list[Cell]:
    """Orbits of two images, for pictures (figure 4)."""
    orbits = _portrait_orbits(context, portrait, rotations.group, portrait.poses)
    return [study_cell("portrait", "orbits.portrait", [orbits], {})]


def dihedral_portrait(context: Context, portrait: Portrait, dihedral: Dihedral) -> list[Cell]:
    """The same under the symmetries of a square (figure 8)."""
    orbits = _portrait_orbits(context, portrait, dihedral.group, _PORTRAIT_N)
    return [study_cell("dihedral-portrait", "orbits.portrait", [orbits], {})]


def seeds(context: Context, seeds: Seeds) -> list[Cell]:
    """Several seeds of each of two classes (figure 6)."""
    task = {"draw": "seeds", "classes": 2, "seeds_per_class": seeds.seeds_per_class}
    return [
        _study_of_orbits("seeds", "orbits.seeds", [_kernel_cell(context, orbits, name)], labels)
        for orbits, name, labels in _grid(context, seeds, task, seeds.draws, seeds.chunk)
    ]


def classes(context: Context, classes: Classes) -> list[Cell]:
    """Several seeds of each class (figure 6)."""
    task = _all_classes(context, classes)
    return [
        _study_of_orbits(
            "classes", "orbits.ten_classes", [_kernel_cell(context, orbits, name)], labels
        )
        for orbits, name, labels in _grid(context, classes, task, count=1, chunk=1)
    ]


def self_supervised(context: Context, self_supervised: SelfSupervised) -> list[Cell]:
    """Learning without labels from full orbits and a partial one (figure self-supervised)."""
    study = self_supervised
    task = {**_all_classes(context, study), "draw": "self-supervised"}
    read = study.model_dump(include={"few", "dimensions", "orbits", "unlabelled", "gains"})
    cells = []
    for orbits, name, labels in _grid(context, study, task, study.draws, study.chunk):
        architecture = context.architecture(name)
        uses = lookup.uses_of({"architecture": architecture, "group": study.group})
        inputs = [_kernel_cell(context, orbits, name), orbits]
        own = {"group": study.group, "architecture": architecture, "seed": context.seed, **read}
        cells.append(
            study_cell(
                "self-supervised", "orbits.self_supervised", inputs, own, labels, uses=uses,
                together=f"self-supervised-{inputs[0].together}",
            )
        )  # fmt: skip
    return cells


def without_labels(
    context: Context, without_labels: WithoutLabels, self_supervised: SelfSupervised
) -> list[Cell]:
    """Trained networks on the orbits of `self_supervised` (figure self-supervised)."""
    study = without_labels
    task = {**_all_classes(context, self_supervised), "draw": "self-supervised"}
    orbits = _orbits_cell(
        context, self_supervised.group, study.n, {**task, "start": 0, "stop": study.draws}
    )
    cells = []
    for name in study.networks:
        own = study.of(name)
        labelled = _on_labels(context, own, name, orbits)
        for objective in study.objectives:
            ways = {
                "all orbits, few features": (True, own.few),
                "all orbits, many features": (True, own.many),
                "full orbits, few features": (False, own.few),
            }
            trained = [
                _on_views(context, own, name, objective, way, *what, orbits)
                for way, what in ways.items()
            ]
            cells.append(
                study_cell(
                    "without-labels", "orbits.transfer", [labelled, *trained, orbits], {},
                    {"network": name, "objective": objective, "n": study.n},
                    slug=f"without-labels-{name}-{objective}-n{study.n}",
                    uses=lookup.uses_of(trained[0].settings),
                )
            )  # fmt: skip
    return cells


def _on_labels(context: Context, study: WithoutLabels, name: str, orbits: Cell) -> Cell:
    """Networks trained on the labelled orbits alone, in full batches."""
    points = context.dataset.facts.classes * study.n - 1
    settings = {
        "network": _without_dropout(context, name),
        "problem": {"kind": "single-orbits", "partial": study.partial},
        "recipe": adam(study.labelled_steps, 1e-3, FULL_BATCH_BETAS, batch=points, records=RECORDS),
        "seed": context.seed,
    }
    labels = {"network": name, "n": study.n, "learned_from": "labels of single orbits"}
    slug = f"{name}-labels-n{study.n}"
    return trained_cell("without-labels", slug, orbits, settings, labels, name)


def _on_views(
    context: Context,
    study: WithoutLabels,
    name: str,
    objective: str,
    way: str,
    joint: bool,
    features: int,
    orbits: Cell,
) -> Cell:
    """Networks trained on pairs of views, by an objective."""
    task = orbits.settings["task"]
    pairs = pairs_of_poses(len(task["classes"]), task["seeds_per_class"], study.n, joint=joint)
    epochs = ceil(study.steps / (pairs // study.batch))
    settings = {
        "network": {
            "kind": "of-views",
            "network": _without_dropout(context, name),
            "objective": objective,
        },
        "problem": {
            "kind": "pairs-of-views",
            "partial": study.partial,
            "joint": joint,
            "features": features,
        },
        "recipe": adam(
            epochs,
            study.learning_rate,
            FULL_BATCH_BETAS,
            batch=study.batch,
            records=_FEW_RECORDS,
            **({"layout": study.layout} if study.layout else {}),
        ),
        "seed": context.seed,
    }
    labels = {"network": name, "n": study.n, "objective": objective, "learned_from": way}
    slug = f"{name}-{objective}-{'joint' if joint else 'full'}-{features}-n{study.n}"
    # No job has parts of two problems: its code would be told in the order of the parts.
    return trained_cell("without-labels", slug, orbits, settings, labels, f"{name}-views")


def _without_dropout(context: Context, name: str) -> dict[str, Any]:
    """A network's entry; what dropout adds to the features, an objective would count as spread."""
    entry = dict(context.network(name))
    return {**entry, "dropout": 0.0} if "dropout" in entry else entry


def precision(context: Context, precision: Precision) -> list[Cell]:
    """Pairs in 32 and in 64 bits (the supplement figure 10)."""

    def kernels(orbits: Cell, architecture: str) -> list[Cell]:
        return [
            _kernel_cell(context, orbits, architecture, bits) for bits in ("float64", "float32")
        ]

    return [
        _study_of_orbits("precision", "orbits.precision", kernels(orbits, name), labels)
        for orbits, name, labels in _pair_grid(context, precision)
    ]


def partial(context: Context, partial: Partial) -> list[Cell]:
    """All rotations but the upright pose of one class (figure 1)."""
    cells = []
    for network in partial.networks:
        own = partial.of(network)
        recipe = adam(own.epochs, own.learning_rate, BETAS, batch=own.batch)
        cells += [
            _partial_cell(context, "partial", own, network, n, part, recipe)
            for n in own.n
            for part in chunks(len(own.left_out), own.chunk)
        ]
    return cells


def long_training(context: Context, long_training: LongTraining) -> list[Cell]:
    """The same for many epochs, without and with weight decay (figure 11)."""
    study = long_training
    everything = {"start": 0, "stop": len(study.left_out)}
    recipes = [
        adam(
            study.epochs, study.learning_rate, FULL_BATCH_BETAS, batch=study.batch,
            weight_decay=decay,
        )
        for decay in study.weight_decays
    ]  # fmt: skip
    return [
        _partial_cell(context, "long-training", study, study.network, study.n, everything, recipe)
        for recipe in recipes
    ]


def trained_pairs(
    context: Context, trained_pairs: TrainedPairs, rotations: Rotations
) -> list[Cell]:
    """Networks on the pairs of `rotations` (figure 5)."""
    study = trained_pairs
    epochs = _epochs_of(study.steps)
    problem = {"in_coordinates": False, "seeds": 1, "steps": study.steps // epochs}
    recipe = adam(epochs, study.learning_rate, FULL_BATCH_BETAS)
    return [
        _on_pairs(
            context, "trained-pairs", _pair_orbits(context, rotations, study.n, part),
            study.architecture, study.width, {**problem, "first_task": part["start"]}, recipe,
        )
        for part in chunks(study.pairs, study.chunk)
    ]  # fmt: skip


def trained_poses(
    context: Context, trained_poses: TrainedPoses, rotations: Rotations
) -> list[Cell]:
    """Networks on the pairs of `rotations` at several n (figure poses).

    Outputs are counted from those at the start, which the kernel's regression does not have.
    """
    study = trained_poses
    epochs = _epochs_of(study.steps)
    problem = {"in_coordinates": False, "seeds": 1, "steps": study.steps // epochs}
    recipe = adam(epochs, study.learning_rate, FULL_BATCH_BETAS, centred=True)
    return [
        _on_pairs(
            context, "trained-poses", _pair_orbits(context, rotations, n, part), name, study.width,
            {**problem, "first_task": part["start"]}, recipe,
        )
        for name in study.architectures
        for n in study.n
        for part in chunks(study.pairs, study.chunk)
    ]  # fmt: skip


def widths(context: Context, widths: Widths, rotations: Rotations) -> list[Cell]:
    """What lies between networks of finite width and the analytic kernel (figure 12)."""
    cells = []
    for n in widths.n:
        everything = {"start": 0, "stop": widths.pairs}
        orbits = _pair_orbits(context, rotations, n, everything)
        kernel = _kernel_cell(context, orbits, widths.architecture)
        trained = [_at_width(context, widths, orbits, width) for width in widths.widths]
        cells.append(
            study_cell(
                "widths", "orbits.tangents", [*trained, kernel, orbits],
                {"linearised": widths.linearised},
                {"architecture": widths.architecture, "n": n}, slug=f"widths-{orbits.slug}",
                together=f"widths-{orbits.together}",
            )
        )  # fmt: skip
    return cells


def _at_width(context: Context, widths: Widths, orbits: Cell, width: int) -> Cell:
    """Networks of one width on pairs, by gradient descent."""
    epochs = _epochs_of(widths.steps)
    problem = {
        "in_coordinates": True,
        "first_task": 0,
        "seeds": widths.seeds,
        "steps": widths.steps // epochs,
    }
    recipe = {
        "optimizer": "gradient-descent",
        "epochs": epochs,
        "learning_rate": widths.learning_rate,
        "momentum": widths.momentum,
        "centred": True,
    }
    return _on_pairs(context, "widths", orbits, widths.architecture, width, problem, recipe)


def trained_classes(
    context: Context, trained_classes: TrainedClasses, classes: Classes
) -> list[Cell]:
    """A network on the classes of `classes` (figure 6)."""
    study, task = trained_classes, _all_classes(context, classes)
    count = len(task["classes"])
    cells = []
    for n in study.n:
        points = (count * n - 1) * classes.seeds_per_class
        steps = max(1, points // study.batch)  # of an epoch, as `networks.on_orbits.classes` has
        epochs = max(study.epochs, ceil(study.least_steps / steps))
        settings = {
            "network": context.network(study.network),
            "problem": {"kind": "classes", "left_out": task["classes"]},
            "recipe": adam(epochs, study.learning_rate, BETAS, batch=study.batch, records=RECORDS),
            "seed": context.seed,
        }
        orbits = _orbits_cell(context, classes.group, n, {**task, "start": 0, "stop": 1})
        labels = {"network": study.network, "n": n}
        slug = f"{study.network}-{orbits.slug}"
        cells.append(trained_cell("trained-classes", slug, orbits, settings, labels, study.network))
    return cells


def _orbits_cell(context: Context, group: str, n: int, task: Mapping[str, Any]) -> Cell:
    """The orbits of the tasks `start` to `stop`, drawn from the stream `draw`."""
    settings = {
        "group": group,
        "n": n,
        "preparation": context.dataset.preparation,
        "task": {"seed": context.seed, **task},
    }
    drawn = f"{task['draw']}-{group}"
    slug = f"{drawn}-n{n}-from{task['start']}to{task['stop']}"
    # Of as many tasks: another study's grid is another job's.
    together = f"{drawn}-{task['stop'] - task['start']}"
    data = dataset_cell(context.dataset.image_set)
    return Cell("orbits", slug, settings, (data,), together=together)


def _kernel_cell(
    context: Context, orbits: Cell, architecture: str, precision: str = "float64"
) -> Cell:
    """The Gram matrices of an architecture on orbits."""
    settings = {
        "architecture": context.architecture(architecture),
        "group": orbits.settings["group"],
        "kind": "ntk",
        "precision": precision,
    }
    bits = "" if precision == "float64" else "-32bit"
    name = f"{architecture}{bits}"
    labels = {"architecture": architecture}
    together = f"{name}-{orbits.together}"
    return Cell("kernels", f"{name}-{orbits.slug}", settings, (orbits,), labels, together)


def _study_of_orbits(
    study: str, module: str, inputs: list[Cell], labels: Mapping[str, Any], **settings: Any
) -> Cell:
    """A study of Gram matrices that knows their group."""
    return study_cell(
        study, module, inputs, {"group": inputs[0].settings["group"], **settings}, labels,
        together=f"{study}-{inputs[0].together}",
    )  # fmt: skip


def _pairs(context: Context, name: str, study: Pairs, ridge_factors: list[float]) -> list[Cell]:
    return [
        _study_of_orbits(
            name, "orbits.pairs", [_kernel_cell(context, orbits, architecture), orbits], labels,
            ridge_factors=ridge_factors,
        )
        for orbits, architecture, labels in _pair_grid(context, study)
    ]  # fmt: skip


Grid = Iterator[tuple[Cell, str, dict[str, Any]]]


def _pair_grid(context: Context, study: Pairs) -> Grid:
    """The orbits, architecture and labels of each cell of a study of pairs."""
    task = {"draw": "pairs", "classes": 2, "seeds_per_class": 1}
    yield from _grid(context, study, task, study.pairs, study.chunk)


def _grid(
    context: Context,
    study: Pairs | Seeds | Classes | SelfSupervised,
    task: Mapping[str, Any],
    count: int,
    chunk: int,
) -> Grid:
    """The orbits, architecture and labels of each cell of a study over n and architectures."""
    for n in study.n:
        for part in chunks(count, chunk):
            orbits = _orbits_cell(context, study.group, n, {**task, **part})
            for rank, architecture in enumerate(study.architectures):
                yield orbits, architecture, {"architecture": architecture, "n": n, "rank": rank}


def _portrait_orbits(context: Context, portrait: Portrait, group: str, n: int) -> Cell:
    """The orbits of one image of each of the two classes that are drawn."""
    task = {"draw": "portrait", "classes": list(portrait.classes), "seeds_per_class": 1}
    return _orbits_cell(context, group, n, {**task, "start": 0, "stop": 1})


def _all_classes(context: Context, study: Classes | SelfSupervised) -> dict[str, Any]:
    """The task of several seeds of every class of the data set."""
    classes = list(range(context.dataset.facts.classes))
    return {"draw": "classes", "classes": classes, "seeds_per_class": study.seeds_per_class}


def _partial_cell(
    context: Context,
    name: str,
    study: Partial | LongTraining,
    network: str,
    n: int,
    part: Mapping[str, int],
    recipe: Mapping[str, Any],
) -> Cell:
    left_out = study.left_out[part["start"] : part["stop"]]
    settings = {
        "network": context.network(network),
        "problem": {
            "kind": "partial-rotations",
            "n": n,
            "images": study.images,
            "preparation": context.dataset.preparation,
            "members": [[digit, seed] for digit in left_out for seed in range(study.seeds)],
        },
        "recipe": recipe,
        "seed": context.seed,
    }
    decay = recipe["weight_decay"]
    images = study.images or context.dataset.facts.images
    labels = {"network": network, "n": n, "weight_decay": decay, "images": images}
    if name == "long-training":
        labels["decay_exponent"] = (
            recipe["learning_rate"] * decay * _steps(context, n, images, recipe)
        )
    slug = f"{network}-n{n}-from{part['start']}"
    if decay:
        slug += f"-decay{decay:g}".replace(".", "p")
    data = dataset_cell(context.dataset.image_set)
    return trained_cell(name, slug, data, settings, labels, network)


def _steps(context: Context, n: int, images: int, recipe: Mapping[str, Any]) -> int:
    """The optimiser steps of a training on all rotations but one pose of one class."""
    classes = context.dataset.facts.classes
    points = epoch_points(images // classes * classes, n, images // classes)
    return recipe["epochs"] * (points // min(recipe["batch"], points))


def _epochs_of(steps: int) -> int:
    """Epochs, one for each record, that share out the steps of a full-batch training evenly."""
    return max(epochs for epochs in range(1, _RECORDED + 1) if steps % epochs == 0)


def _pair_orbits(context: Context, rotations: Rotations, n: int, part: Mapping[str, int]) -> Cell:
    task = {"draw": "pairs", "classes": 2, "seeds_per_class": 1, **part}
    return _orbits_cell(context, rotations.group, n, task)


def _on_pairs(
    context: Context,
    name: str,
    orbits: Cell,
    architecture: str,
    width: int,
    problem: Mapping[str, Any],
    recipe: Mapping[str, Any],
) -> Cell:
    entry = {"kind": "ntk", "architecture": context.architecture(architecture), "width": width}
    settings = {
        "network": entry,
        "problem": {"kind": "pairs", **problem},
        "recipe": recipe,
        "seed": context.seed,
    }
    labels = {"architecture": architecture, "n": orbits.settings["n"], "width": width}
    slug = f"{architecture}-width{width}-{orbits.slug}"
    return trained_cell(name, slug, orbits, settings, labels, architecture)
