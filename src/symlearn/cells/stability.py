"""The studies of relative stability and of the stripe model."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from symlearn.cells.frame import (
    FULL_BATCH_BETAS,
    adam,
    chunks,
    classification_cell,
    dataset_cell,
    study_cell,
)
from symlearn.config import Config
from symlearn.settings import StabilityTask
from symlearn.specs import Cell


def stability_samples(config: Config) -> list[Cell]:
    """Deformed images."""
    preset, study = config.chosen, config.chosen.stability_samples.model_dump()
    preparation = {"upsampling": study.pop("upsampling"), "padding": preset.dataset.padding}
    settings = {"preparation": preparation, "seed": preset.seed, **study}
    return [study_cell("stability-samples", [dataset_cell(preset.dataset.name)], settings, {})]


_MOST_EPOCHS = 5000  # the authors'
_NORMED = ("resnet", "efficientnet-b0")


def stability(config: Config) -> list[Cell]:
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
            cell = study_cell("stability", inputs, settings, labels)
            cells.append(replace(cell, slug=f"stability-{network}-{task.dataset}"))
    return cells


def _stability_networks(config: Config, task: StabilityTask, network: str, points: int) -> Cell:
    batch = min(task.batch, points)
    # An epoch has whole batches only.
    epochs = min(max(1, round(task.steps / (points // batch))), _MOST_EPOCHS)
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
        return adam(epochs, 1e-3, FULL_BATCH_BETAS, **shared)
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
_FEATURE: Mapping[str, Any] = {"alpha": 1e-4, "limits": _LIMITS, "parallel": 1}
_LAZY: Mapping[str, Any] = {**_FEATURE, "alpha": 1e4}
# Two directions that matter and one that does not: the authors' example of a cylinder.
_CYLINDER: Mapping[str, Any] = {**_FEATURE, "parallel": 2, "dimension": 3}

# What the feature regime's errors must not depend on, one change at a time; `width` is a factor.
_STRIPE_CHECKS: Mapping[str, Mapping[str, Any]] = {
    "wider": {"width": 4},
    "smaller-steps": {"limits": {"parameters": 0.01, "outputs": 0.1}},
    "smaller-scale": {"alpha": 1e-6},
}


def stripe_training(config: Config) -> list[Cell]:
    """Trainings of the stripe and cylinder models, with checks of what the errors rest on."""
    study = config.chosen.stripe_training
    grid = [("feature", runs, _FEATURE) for runs in study.feature]
    grid += [("lazy", runs, _LAZY) for runs in study.lazy]
    grid += [("cylinder", runs, _CYLINDER) for runs in study.cylinder]
    for name, change in _STRIPE_CHECKS.items():
        grid.append((name, study.checks, {**_FEATURE, **change}))
    return [
        _stripe_cell(config, regime, runs.points, part, how)
        for regime, runs, how in grid
        for part in chunks(runs.seeds, study.chunk)
    ]


def _stripe_cell(
    config: Config, regime: str, points: int, part: Mapping[str, int], how: Mapping[str, Any]
) -> Cell:
    study = config.chosen.stripe_training
    settings = {
        "dimension": study.dimension,
        **how,
        "width": study.width * how.get("width", 1),
        "test_points": study.test_points,
        "points": points,
        "seeds": list(range(part["start"], part["stop"])),
        "seed": config.chosen.seed,
    }
    cell = study_cell("stripe-training", (), settings, {"regime": regime, "points": points})
    return replace(cell, slug=f"stripe-training-{regime}-p{points}-from{part['start']}")


def stripe_kernel(config: Config) -> list[Cell]:
    """Kernels of the stripe model, before and after training."""
    study = config.chosen.stripe_training
    runs = [one.model_dump() for one in study.kernel]
    settings = {"dimension": study.dimension, "runs": runs, "seed": config.chosen.seed}
    return [study_cell("stripe-kernel", (), settings, {})]
