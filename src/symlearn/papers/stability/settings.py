"""What the studies of relative stability and of the stripe model can be set to."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, PrivateAttr, model_validator

from symlearn.menu.values import (
    Closed,
    Context,
    Count,
    DatasetName,
    Distinct,
    Faults,
    ImagePath,
    ImageSet,
    Names,
    Rate,
    Whole,
    among,
    at_most,
    distinct,
    enough_images,
    image_set,
)

# Points up to which the kernels of a trained stripe network are solved.
STRIPE_KERNELS = 512


class StabilitySamples(Closed):
    """A photograph under random smooth deformations, over temperature and cutoff."""

    cutoffs: Annotated[list[Annotated[Whole, Field(ge=2, le=64)]], Field(min_length=1), Distinct]
    temperatures: Annotated[list[Rate], Field(min_length=2), Distinct]
    fields: Count = Field(description="fields of which the share that folds is counted")


class _Training(Closed):
    """Networks that are trained to classify a data set."""

    dataset: DatasetName
    path: ImagePath = None
    test_set: DatasetName | None = Field(
        default=None, description="images for the test error, in place of others of dataset"
    )
    networks: Names
    test: Count = Field(description="images that no network is trained on, for the test error")
    seeds: Annotated[Whole, Field(ge=2)] = Field(
        description="draws of training images, each with its initialisation"
    )
    steps: Count = Field(
        description="optimiser steps, up to whole epochs the same for all numbers of images"
    )
    batch: Count = 128
    schedule: Literal["one-cycle"] | None = Field(
        default=None,
        description="of the learning rate; by default half a cosine for networks with batch norm "
        "and a constant for others",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32",
        description="of the products of convolutional networks in training, bfloat16 with "
        "channels last; measurements are in float32",
    )

    _images: ImageSet = PrivateAttr()
    _test_images: ImageSet | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _images_are_there(self) -> "_Training":
        self._images = image_set(self.dataset, self.path, "dataset")
        if self.test_set is not None:
            self._test_images = image_set(self.test_set, None, "test_set")
        own, tests = self._images.facts, (self._test_images or self._images).facts
        if (own.side, own.channels, own.classes) != (tests.side, tests.channels, tests.classes):
            raise ValueError(f"test_set: {self.test_set!r} has other images than {self.dataset!r}")
        return self

    @property
    def image_set(self) -> ImageSet:
        """The images as they come."""
        return self._images

    @property
    def test_images(self) -> ImageSet | None:
        """The test set as it comes, where it is not of the same data set."""
        return self._test_images


class StabilityTask(_Training):
    """Networks that are trained on subsets of several sizes."""

    points: Annotated[list[Count], Field(min_length=2), Distinct] = Field(
        description="training images"
    )


class _Perturbed(Closed):
    """How stability is measured."""

    displacement: Rate = Field(default=1.0, description="nominal, in pixels")
    cutoff: Annotated[Whole, Field(ge=2, le=64)] = 3
    images: Annotated[Whole, Field(ge=2)] = Field(
        default=500, description="test images that are deformed"
    )
    draws: Count = Field(default=8, description="deformations of each image")


class Stability(_Perturbed):
    """Relative stability to deformations, before and after training."""

    tasks: Annotated[list[StabilityTask], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_data_set_once(self) -> "Stability":
        distinct([task.dataset for task in self.tasks])
        for task in self.tasks:
            _measured_on_test_images(self, task)
        return self

    def task_on(self, dataset: str | None) -> StabilityTask | None:
        """The task on a data set, the first one for None; None where there is none."""
        return next((task for task in self.tasks if dataset in (None, task.dataset)), None)


class StabilityNetworks(_Perturbed, _Training):
    """Many networks that are trained on one number of images: their errors against R."""

    points: Count = Field(description="training images")

    @model_validator(mode="after")
    def _some_are_measured(self) -> "StabilityNetworks":
        _measured_on_test_images(self, self)
        return self


class StabilityDisplacement(Closed):
    """The trained networks of one task under deformations of many sizes and cutoffs."""

    dataset: DatasetName | None = Field(
        default=None, description="of one of the tasks of stability; by default the first"
    )
    networks: Names | None = Field(
        default=None, description="some of those of the task; by default all"
    )
    displacements: Annotated[list[Rate], Field(min_length=2), Distinct] = Field(
        description="nominal, in pixels"
    )
    cutoffs: Annotated[list[Annotated[Whole, Field(ge=2, le=64)]], Field(min_length=1), Distinct]
    images: Annotated[Whole, Field(ge=2)] = Field(
        default=500, description="test images that are deformed"
    )
    draws: Count = Field(default=2, description="deformations of each image")
    seeds: Count = Field(default=5, description="of the task's at most, measured")


def _measured_on_test_images(how: _Perturbed, task: _Training) -> None:
    if how.images > task.test:
        raise ValueError(
            f"images: {how.images} is more than the {task.test} test images; take a smaller number"
        )


class StripeRuns(Closed):
    """Trainings of the stripe model on one number of points."""

    # Of fewer, a draw may well hold one class alone, from which nothing can be learned.
    points: Annotated[Whole, Field(ge=16)]
    seeds: Annotated[Whole, Field(ge=2)] = Field(
        description="draws of points, each with its initialisation"
    )


class StripeTraining(Closed):
    """The stripe model: one hidden layer in two regimes, and its kernel of infinite width."""

    dimension: Annotated[Whole, Field(ge=2)] = 5
    width: Count = 400
    test_points: Count = 20_000
    chunk: Count = Field(default=4, description="trainings in one cell")
    feature: Annotated[list[StripeRuns], Field(min_length=2)]
    cylinder: Annotated[list[StripeRuns], Field(min_length=2)] = Field(
        description="as feature, for labels that depend on two of three coordinates"
    )
    lazy: Annotated[list[StripeRuns], Field(min_length=2)]
    kernel: Annotated[list[StripeRuns], Field(min_length=2)]
    checks: StripeRuns = Field(
        description="feature trainings that are repeated wider, in smaller steps and so on"
    )

    @model_validator(mode="after")
    def _can_be_compared(self) -> "StripeTraining":
        """What figures compare is there, which is known only after all trainings."""
        names = ("feature", "cylinder", "lazy", "kernel")
        points = {name: [runs.points for runs in getattr(self, name)] for name in names}
        for name, counts in points.items():
            if len(set(counts)) < len(counts):
                raise ValueError(f"{name}: a number of points stands twice in {counts}")
        if not set(points["feature"]) & set(points["lazy"]):
            raise ValueError("lazy: has no number of points that feature has, to compare the two")
        if self.checks.points not in points["feature"]:
            raise ValueError(f"checks.points: {self.checks.points} is not among those of feature")
        if min(points["feature"]) > STRIPE_KERNELS:
            raise ValueError(
                f"feature: needs a number of points up to {STRIPE_KERNELS}, of which kernels are "
                "solved"
            )
        return self


class Settings(Closed):
    """The studies of this paper, by their keys in a preset."""

    title: ClassVar[str] = "Relative stability"
    rank: ClassVar[int] = 2

    stability_samples: StabilitySamples
    stability: Stability
    stability_networks: StabilityNetworks
    stability_displacement: StabilityDisplacement
    stripe_training: StripeTraining


def tasks_have_images(context: Context, stability: Stability) -> Faults:
    """A data set has as many images as networks are trained and tested on."""
    for number, task in enumerate(stability.tasks):
        yield from _enough(f"stability.tasks.{number}", max(task.points), task)


def networks_have_images(context: Context, stability_networks: StabilityNetworks) -> Faults:
    """Likewise for the networks that are compared."""
    yield from _enough("stability_networks", stability_networks.points, stability_networks)


def displaced_networks_are_trained(
    context: Context, stability: Stability, stability_displacement: StabilityDisplacement
) -> Faults:
    """The data set and the networks are those of a task, which has enough test images."""
    study, key = stability_displacement, "stability_displacement"
    task = stability.task_on(study.dataset)
    if task is None:
        names = [task.dataset for task in stability.tasks]
        yield from among(f"{key}.dataset", study.dataset, names, "stability.tasks")
        return
    for network in study.networks or []:
        yield from among(f"{key}.networks", network, task.networks, "the task's networks")
    yield from at_most(f"{key}.images", study.images, task.test, "the task's test")


def _enough(key: str, points: int, task: _Training) -> Faults:
    if task.test_images is None:
        yield from enough_images(f"{key}.points", points, task.test, task.image_set)
    else:
        yield from enough_images(f"{key}.points", points, 0, task.image_set)
        yield from enough_images(f"{key}.test", 0, task.test, task.test_images)
