"""The studies of relative stability and of the stripe model.

Each public function is a study: from the settings that its arguments name to its cells.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from symlearn.menu.values import Context
from symlearn.papers.stability.settings import (
    STRIPE_KERNELS,
    Stability,
    StabilityDisplacement,
    StabilityNetworks,
    StabilitySamples,
    StabilityTask,
    StripeTraining,
)
from symlearn.pipeline.frame import (
    FULL_BATCH_BETAS,
    adam,
    chunks,
    classification_cell,
    dataset_cell,
    study_cell,
)
from symlearn.pipeline.specs import Cell

Trained = StabilityTask | StabilityNetworks

_MOST_EPOCHS = 5000  # the authors'
_NORMED = ("resnet", "efficientnet-b0")

# The scale of the output of each regime: small learns features, large is lazy. `limits` are those
# of a step (`stripe_network.Limits`).
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


def stability_samples(context: Context, stability_samples: StabilitySamples) -> list[Cell]:
    """Deformed images, and fields on images as large as the preset's."""
    settings = {"side": context.dataset.side, "seed": context.seed}
    settings |= stability_samples.model_dump()
    return [study_cell("stability-samples", "stability.samples", [], settings)]


def stability(context: Context, stability: Stability) -> list[Cell]:
    """A cell for each network and data set, over all numbers of training images."""
    settings = {"seed": context.seed, **stability.model_dump(exclude={"tasks"})}
    return [
        _measured(context, "stability", task, network, task.points, settings)
        for task in stability.tasks
        for network in task.networks
    ]


def stability_networks(context: Context, stability_networks: StabilityNetworks) -> list[Cell]:
    """A cell for each of many networks, all trained on as many images."""
    study = stability_networks
    how = study.model_dump(include={"displacement", "cutoff", "images", "draws"})
    settings = {"seed": context.seed, **how}
    return [
        _measured(context, "stability-networks", study, network, [study.points], settings)
        for network in study.networks
    ]


def stability_displacement(
    context: Context, stability: Stability, stability_displacement: StabilityDisplacement
) -> list[Cell]:
    """Networks of a task of `stability`, trained on most images, under many deformations."""
    study = stability_displacement
    task = stability.task_on(study.dataset)
    assert task is not None  # `settings.displaced_networks_are_trained`
    settings = {"seed": context.seed, **study.model_dump(exclude={"dataset", "networks"})}
    return [
        study_cell(
            "stability-displacement",
            "stability.displacement",
            [
                _trained(context, task, network, max(task.points)),
                dataset_cell(task.test_images or task.image_set),
            ],
            settings,
            {"network": network, "dataset": task.dataset},
            slug=f"stability-displacement-{network}-{task.dataset}",
        )
        for network in study.networks or task.networks
    ]


def stripe_training(context: Context, stripe_training: StripeTraining) -> list[Cell]:
    """Trainings of the stripe and cylinder models, with checks of what the errors rest on."""
    study = stripe_training
    grid = [("feature", runs, _FEATURE) for runs in study.feature]
    grid += [("lazy", runs, _LAZY) for runs in study.lazy]
    grid += [("cylinder", runs, _CYLINDER) for runs in study.cylinder]
    for name, change in _STRIPE_CHECKS.items():
        grid.append((name, study.checks, {**_FEATURE, **change}))
    return [
        _stripe_cell(context, study, regime, runs.points, part, how)
        for regime, runs, how in grid
        for part in chunks(runs.seeds, study.chunk)
    ]


def stripe_kernel(context: Context, stripe_training: StripeTraining) -> list[Cell]:
    """Kernels of the stripe model, before and after training."""
    runs = [one.model_dump() for one in stripe_training.kernel]
    settings = {"dimension": stripe_training.dimension, "runs": runs, "seed": context.seed}
    return [study_cell("stripe-kernel", "stability.stripe_kernel", (), settings)]


def _measured(
    context: Context,
    study: str,
    task: Trained,
    network: str,
    points: Sequence[int],
    settings: Mapping[str, Any],
) -> Cell:
    return study_cell(
        study,
        "stability.relative_stability",
        [
            *(_trained(context, task, network, count) for count in points),
            dataset_cell(task.test_images or task.image_set),
        ],
        settings,
        {"network": network, "dataset": task.dataset},
        slug=f"{study}-{network}-{task.dataset}",
    )


def _trained(context: Context, task: Trained, network: str, points: int) -> Cell:
    batch = min(task.batch, points)
    # An epoch has whole batches only.
    epochs = min(max(1, round(task.steps / (points // batch))), _MOST_EPOCHS)
    problem = {"train": points, "test": task.test, "seeds": list(range(task.seeds))}
    labels = {"network": network, "dataset": task.dataset, "p": points}
    entry = context.network(network)
    recipe = {**_recipe(entry, epochs, batch), **_changes(task, entry["kind"])}
    if isinstance(task, StabilityTask) and points == max(task.points):
        recipe["snapshots"] = _on_the_way(epochs)
    if crop := task.image_set.facts.crop:
        recipe["augmentation"] = {"kind": "crop-and-flip", "pixels": crop}
    return classification_cell(
        context,
        "stability",
        network,
        problem,
        recipe,
        labels,
        task.image_set,
        normalised=True,
        test_set=task.test_images,
        # Of two studies that train one network, perhaps by two recipes.
        apart="" if isinstance(task, StabilityTask) else "-compared",
    )


def _recipe(network: Mapping[str, Any], epochs: int, batch: int) -> dict[str, Any]:
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


def _on_the_way(epochs: int) -> list[int]:
    """Epochs after which R is measured: none, then 1/64, 1/32 and so on to a half of all."""
    return sorted({0, *(epochs // 2**power for power in range(1, 7))})


def _changes(task: Trained, kind: str) -> dict[str, str]:
    """What a task changes of the recipe.

    In bfloat16 only kinds of network whose steps are then faster (benchmarks/README.md): a
    perceptron has no convolutions, and those of EfficientNet act channel by channel.
    """
    changes: dict[str, str] = {"schedule": task.schedule} if task.schedule else {}
    if task.precision == "float32" or kind == "perceptron":
        return changes
    precision = {} if kind == "efficientnet-b0" else {"precision": task.precision}
    return {**changes, **precision, "layout": "channels-last"}


def _stripe_cell(
    context: Context,
    study: StripeTraining,
    regime: str,
    points: int,
    part: Mapping[str, int],
    how: Mapping[str, Any],
) -> Cell:
    settings = {
        "dimension": study.dimension,
        **how,
        "width": study.width * how.get("width", 1),
        "test_points": study.test_points,
        "kernels_up_to": STRIPE_KERNELS,
        "points": points,
        "seeds": list(range(part["start"], part["stop"])),
        "seed": context.seed,
    }
    return study_cell(
        "stripe-training",
        "stability.stripe_training",
        (),
        settings,
        {"regime": regime, "points": points},
        slug=f"stripe-training-{regime}-p{points}-from{part['start']}",
        together="stripe-training",
    )
