"""The studies of networks trained on partially observed orbits: figures 1, 5, 6, 11 and 12."""

from collections.abc import Mapping
from math import ceil
from typing import Any

from symlearn.cells.frame import (
    BETAS,
    FULL_BATCH_BETAS,
    RECORDS,
    adam,
    chunks,
    dataset_cell,
    orbits_cell,
    trained_cell,
)
from symlearn.config import Config
from symlearn.dataset_facts import DATASETS
from symlearn.settings import LongTraining, Partial
from symlearn.specs import Cell


def partial(config: Config) -> list[Cell]:
    """All rotations but the upright pose of one class (figure 1)."""
    study = config.chosen.partial
    recipe = adam(study.epochs, study.learning_rate, BETAS, batch=study.batch)
    return [
        _partial_cell(config, "partial", study, network, n, part, recipe)
        for n in study.n
        for network in study.networks
        for part in chunks(len(study.left_out), study.chunk)
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
    images = study.images or DATASETS[preset.dataset.name].images
    labels = {"network": network, "n": n, "weight_decay": decay, "images": images}
    slug = f"{network}-n{n}-from{part['start']}"
    if decay:
        slug += f"-decay{decay:g}".replace(".", "p")
    return trained_cell(name, slug, dataset_cell(preset.dataset.name), settings, labels)


def long_training(config: Config) -> list[Cell]:
    """The same for many epochs, without and with weight decay (figure 11)."""
    study = config.chosen.long_training
    everything = {"start": 0, "stop": len(study.left_out)}
    recipes = [
        adam(
            study.epochs, study.learning_rate, FULL_BATCH_BETAS, batch=study.batch,
            weight_decay=decay,
        )
        for decay in study.weight_decays
    ]  # fmt: skip
    return [
        _partial_cell(config, "long-training", study, study.network, study.n, everything, recipe)
        for recipe in recipes
    ]


_RECORDED = 40  # times at most that the errors of a full-batch training are measured


def _epochs_of(steps: int) -> int:
    """Epochs, one for each record, that share out the steps of a full-batch training evenly."""
    return max(epochs for epochs in range(1, _RECORDED + 1) if steps % epochs == 0)


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
    return trained_cell(name, slug, orbits, settings, labels)


def _pair_orbits(config: Config, n: int, part: Mapping[str, int]) -> Cell:
    task = {"draw": "pairs", "classes": 2, "seeds_per_class": 1, **part}
    return orbits_cell(config.chosen, config.chosen.rotations.group, n, task)


def trained_pairs(config: Config) -> list[Cell]:
    """Networks on the pairs of `rotations` (figure 5)."""
    study = config.chosen.trained_pairs
    epochs = _epochs_of(study.steps)
    problem = {"in_coordinates": False, "seeds": 1, "steps": study.steps // epochs}
    recipe = adam(epochs, study.learning_rate, FULL_BATCH_BETAS)
    return [
        _on_pairs(
            config, "trained-pairs", _pair_orbits(config, study.n, part), study.architecture,
            study.width, {**problem, "first_task": part["start"]}, recipe,
        )
        for part in chunks(study.pairs, study.chunk)
    ]  # fmt: skip


def widths(config: Config) -> list[Cell]:
    """Networks over width, by gradient descent (figure 12)."""
    study = config.chosen.widths
    epochs = _epochs_of(study.steps)
    problem = {
        "in_coordinates": True,
        "first_task": 0,
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


def trained_classes(config: Config) -> list[Cell]:
    """A network on the ten classes of `classes` (figure 6)."""
    preset, study, theory = config.chosen, config.chosen.trained_classes, config.chosen.classes
    task = {"draw": "classes", "classes": list(range(10)), "start": 0, "stop": 1}
    task["seeds_per_class"] = theory.seeds_per_class
    cells = []
    for n in study.n:
        points = 10 * theory.seeds_per_class * n - theory.seeds_per_class
        steps = max(1, points // study.batch)  # of an epoch, as `networks.on_orbits.classes` has
        epochs = max(study.epochs, ceil(study.least_steps / steps))
        recipe = adam(epochs, study.learning_rate, BETAS, batch=study.batch, records=RECORDS)
        settings = {
            "network": config.network(study.network),
            "problem": {"kind": "classes", "left_out": list(range(10))},
            "recipe": recipe,
            "seed": preset.seed,
        }
        orbits = orbits_cell(preset, theory.group, n, task)
        labels = {"network": study.network, "n": n}
        slug = f"{study.network}-{orbits.slug}"
        cells.append(trained_cell("trained-classes", slug, orbits, settings, labels))
    return cells
