"""What a study can be set to: the models of the entries of a preset in `config.yaml`.

Light on purpose, as `config`.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    model_validator,
)

from symlearn.dataset_facts import DATASETS
from symlearn.networks import catalogue

DatasetName: Any = Literal[tuple(DATASETS)]
# The groups that a study's figures can be drawn for.
RotationName = Literal["cyclic-rotation"]
TranslationName = Literal["cyclic-shift", "product-shift"]
DihedralName = Literal["dihedral"]
CyclicGroupName = Literal["cyclic-rotation", "cyclic-shift"]
# Those of `symlearn.datasets.distribution_shift`, but the one that needs another data set.
ShiftName = Literal["inversion", "patch-shuffling", "smooth-fields", "noise"]
PATCHES = 4  # along a side, of patch-shuffling


def _distinct(values: list[Any]) -> list[Any]:
    if len(set(values)) != len(values):
        raise ValueError("a value stands twice")
    return values


Distinct = AfterValidator(_distinct)
# `yes` and `3.0` are no whole numbers.
Whole = Annotated[int, Strict()]
Count = Annotated[Whole, Field(gt=0)]
Sizes = Annotated[list[Annotated[Whole, Field(ge=2, le=720)]], Field(min_length=1), Distinct]
Names = Annotated[list[str], Field(min_length=1), Distinct]
RidgeFactor = Annotated[float, Field(gt=0, lt=1)]
Rate = Annotated[float, Field(gt=0)]
Finite = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_CLASSES = 10  # of every data set
Digits = Annotated[list[Annotated[Whole, Field(ge=0, le=9)]], Field(min_length=1), Distinct]


# Points up to which `symlearn.studies.stripe_training` solves a network's kernels.
STRIPE_KERNELS = 512


class Closed(BaseModel):
    """A part of the config: unknown keys are errors, and so are numbers that are not finite.

    A spec is JSON, which has none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Dataset(Closed):
    """Which images, and what is done to them before a group acts."""

    name: DatasetName
    upsampling: Annotated[Whole, Field(ge=1, le=8)] = Field(
        default=1, description="integer factor, cubic splines, before the padding"
    )
    padding: Annotated[Whole, Field(ge=0, le=64)] = Field(
        default=0, description="empty pixels added on each side"
    )

    @model_validator(mode="after")
    def _grey(self) -> "Dataset":
        if DATASETS[self.name].channels > 1:
            raise ValueError(
                f"name: {self.name!r} has colours, and kernels and orbits are of grey images; name "
                "it in stability.tasks"
            )
        return self

    @property
    def side(self) -> int:
        """The side in pixels of the images after upsampling and padding."""
        return DATASETS[self.name].side * self.upsampling + 2 * self.padding


class Pairs(Closed):
    """Pairs of seed images of different classes, each with its orbit."""

    group: str
    n: Sizes = Field(description="order of the cyclic group, n of the n-gon, shifts per axis")
    pairs: Count
    chunk: Count = Field(default=128, description="pairs in one job")
    architectures: Names


class Rotations(Pairs):
    """Pairs under rotations, of which the quarter turns are exact."""

    group: RotationName
    pairs: Annotated[Whole, Field(ge=3)] = Field(description="three make a triangle of figure 4")


class Dihedral(Pairs):
    """Pairs under rotations and reflections."""

    group: DihedralName


class Precision(Pairs):
    """Pairs under a cyclic group, in 32 and in 64 bits."""

    group: CyclicGroupName


class Shifts(Pairs):
    """Pairs under an exact group action, with ridges for the kernels whose orbits collapse."""

    group: TranslationName
    ridge_factors: Annotated[list[RidgeFactor], Field(min_length=1), Distinct] = Field(
        description="ridge as a share of the Gram matrix's trace; the smallest serves as none"
    )


class Seeds(Closed):
    """Several seed images of each of two classes, drawn anew for each draw."""

    group: CyclicGroupName
    n: Sizes
    seeds_per_class: Count
    draws: Count
    chunk: Count = Field(default=16, description="draws in one job")
    architectures: Names


class Classes(Closed):
    """Several seed images of every class of the data set, one draw."""

    group: CyclicGroupName
    n: Sizes
    seeds_per_class: Count
    architectures: Names


class RingSweeps(Closed):
    """Two rings of points under a Gaussian kernel."""

    n: Annotated[Sizes, Field(min_length=2)] = Field(
        description="points per ring, swept at separation 1"
    )
    separations: Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=2), Distinct] = (
        Field(description="distances of the rings' planes, swept at 6 points per ring")
    )
    ridge_factor: RidgeFactor = Field(description="ridge as a share of the training points' trace")


class Portrait(Closed):
    """Two seed images in many poses, for the pictures of orbits."""

    classes: Annotated[
        list[Annotated[Whole, Field(ge=0, le=9)]], Field(min_length=2, max_length=2), Distinct
    ]
    poses: Annotated[Whole, Field(ge=8, le=720)]


class Partial(Closed):
    """Networks trained on all rotations of all classes but the upright pose of one class."""

    n: Sizes
    networks: Names
    images: Count | None = Field(
        default=None, description="seed images, equally many of each class; all where it is null"
    )
    left_out: Digits = Field(description="classes, each left out from networks of its own")
    seeds: Count = Field(default=1, description="initialisations for each class left out")
    chunk: Count = Field(default=10, description="classes left out in one job")
    epochs: Count
    batch: Count
    learning_rate: Rate = 1e-3

    @model_validator(mode="after")
    def _two_of_each_class(self) -> "Partial":
        """Between two images of the class left out there is a spread, of one there is none."""
        if self.images is not None and self.images < 2 * _CLASSES:
            raise ValueError(
                f"images: {self.images} is less than two of each of the {_CLASSES} classes, of "
                "which figure invariance-partial measures the spread"
            )
        return self


class LongTraining(Closed):
    """The task of `partial` for many epochs, with and without weight decay."""

    n: Annotated[Whole, Field(ge=2, le=720)]
    network: str
    images: Count | None = None
    left_out: Digits
    epochs: Count
    batch: Count
    learning_rate: Rate = 1e-3
    weight_decays: Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=1), Distinct] = (
        Field(description="decoupled weight decay; 0 is none")
    )


class TrainedPairs(Closed):
    """Networks of finite width trained on the pairs of `rotations`, by Adam as in the paper."""

    n: Annotated[Whole, Field(ge=2, le=720)]
    pairs: Count
    chunk: Count = Field(default=64, description="pairs in one job")
    architecture: str
    width: Count
    steps: Count = Field(description="full-batch steps of the optimiser")
    learning_rate: Rate = 1e-3


class Widths(Closed):
    """Networks over width, trained by gradient descent on the pairs of `rotations`."""

    n: Sizes
    pairs: Count
    architecture: str
    widths: Annotated[list[Count], Field(min_length=2), Distinct]
    seeds: Count = Field(default=1, description="initialisations for each pair and missing pose")
    steps: Count
    learning_rate: Rate = Field(
        default=0.05,
        description="of the mean squared error; much above it, narrow networks die on the way",
    )
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.98


class TrainedClasses(Closed):
    """A network trained on the ten classes of `classes`."""

    n: Sizes
    network: str
    epochs: Count
    least_steps: Count = Field(
        default=1, description="epochs are added where few rotations make them shorter than this"
    )
    batch: Count
    learning_rate: Rate = 1e-3


class StabilitySamples(Closed):
    """One image under random smooth deformations, over temperature and cutoff."""

    class_: Annotated[Whole, Field(ge=0, le=9)]
    upsampling: Annotated[Whole, Field(ge=1, le=8)] = Field(
        default=1, description="instead of the data set's, before its padding"
    )
    cutoffs: Annotated[list[Annotated[Whole, Field(ge=2, le=64)]], Field(min_length=1), Distinct]
    temperatures: Annotated[list[Rate], Field(min_length=2), Distinct]
    fields: Count = Field(description="fields of which the share that folds is counted")


def enough_images(key: str, train: int, test: int, dataset: str) -> None:
    """Raise ValueError where a data set has fewer images than are trained on and tested."""
    count = DATASETS[dataset].images
    if train + test > count:
        raise ValueError(
            f"{key}: {train} training and {test} test images are more than the {count} of {dataset}"
        )


class StabilityTask(Closed):
    """Networks that are trained to classify a data set, on subsets of several sizes."""

    dataset: DatasetName
    networks: Names
    points: Annotated[list[Count], Field(min_length=2), Distinct] = Field(
        description="training images"
    )
    test: Count = Field(description="images that no network is trained on, for the test error")
    seeds: Annotated[Whole, Field(ge=2)] = Field(
        description="draws of training images, each with its initialisation"
    )
    steps: Count = Field(
        description="optimiser steps, up to whole epochs the same for all numbers of images"
    )
    batch: Count = 128

    @model_validator(mode="after")
    def _enough_images(self) -> "StabilityTask":
        enough_images("points", max(self.points), self.test, self.dataset)
        return self


class Stability(Closed):
    """Relative stability to deformations, before and after training."""

    tasks: Annotated[list[StabilityTask], Field(min_length=1)]
    displacement: Rate = Field(default=1.0, description="nominal, in pixels")
    cutoff: Annotated[Whole, Field(ge=2, le=64)] = 3
    images: Annotated[Whole, Field(ge=2)] = Field(
        default=500, description="test images that are deformed"
    )
    draws: Count = Field(default=8, description="deformations of each image")

    @property
    def networks(self) -> list[str]:
        """The networks of all tasks."""
        return list(dict.fromkeys(name for task in self.tasks for name in task.networks))

    @model_validator(mode="after")
    def _each_data_set_once(self) -> "Stability":
        _distinct([task.dataset for task in self.tasks])
        for task in self.tasks:
            if self.images > task.test:
                raise ValueError(f"images: {self.images} is more than the {task.test} test images")
        return self


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
    chunk: Count = Field(default=4, description="trainings in one job")
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


class LieAliasing(Closed):
    """Nonlinearities and down-samplings of random band-limited images, without training."""

    pixels: Annotated[Whole, Field(ge=9, le=99)] = Field(
        description="side of the images that come out; odd, so that no mode is half aliased"
    )
    draws: Annotated[Whole, Field(ge=2)] = Field(description="random images at each frequency")
    phases: Annotated[Whole, Field(ge=2)] = Field(description="shifts of each single cosine")

    @model_validator(mode="after")
    def _odd(self) -> "LieAliasing":
        if self.pixels % 2 == 0:
            raise ValueError(f"pixels: {self.pixels} is even; an odd number is needed")
        return self


class InvarianceFamily(Closed):
    """One untied network and one group, learned in several ways, beside its weight-tied kin."""

    network: str
    group: catalogue.ExactGroup
    n: Annotated[Whole, Field(ge=2, le=64)]
    strengths: Annotated[list[Finite], Field(min_length=1), Distinct] = Field(
        description="of the invariance loss, beside augmentation alone"
    )
    tied: Annotated[list[Literal["averaged", "pooled"]], Field(min_length=1), Distinct]
    weight_decays: Annotated[list[Finite], Distinct] = Field(
        default=[], description="decoupled, with augmentation: the controls of spectral decay"
    )


class Invariance(Closed):
    """Learned against genuine invariance: networks, distribution shifts, what is measured."""

    train: Count = Field(description="training images")
    test: Count = Field(description="test images")
    images: Annotated[Whole, Field(ge=2)] = Field(description="test images that are measured")
    seeds: Annotated[Whole, Field(ge=2)]
    epochs: Count
    batch: Count
    learning_rate: Rate = 1e-3
    families: Annotated[list[InvarianceFamily], Field(min_length=1)] = Field(
        description="the first is drawn in every figure and has controls"
    )
    shifts: Annotated[list[ShiftName], Field(min_length=1), Distinct]
    shift_strengths: Annotated[
        list[Annotated[float, Field(gt=0, le=1)]], Field(min_length=1), Distinct
    ] = Field(description="degrees of the shifts, beside none; 1 is the full shift")
    other: Dataset | None = Field(
        default=None, description="data set that images are interpolated to, as a further shift"
    )
    strength: Finite = Field(
        default=1.0, description="of the invariance loss where one stands for all"
    )
    class_: Annotated[Whole, Field(ge=0, le=9)] = Field(
        default=4, description="of the image whose saliency is drawn"
    )
    partial_images: Annotated[Whole, Field(ge=2)] = Field(
        default=100, description="at most so many of the class left out of `partial`, and others"
    )
    snapshots: Annotated[list[Annotated[Whole, Field(ge=0)]], Field(min_length=2), Distinct] = (
        Field(description="epochs at which spectra are measured, beside the last")
    )

    @model_validator(mode="after")
    def _fits(self) -> "Invariance":
        first = self.families[0]
        if not first.weight_decays:
            raise ValueError("families.0.weight_decays: the first family needs one or more")
        if self.images > self.test:
            raise ValueError(f"images: {self.images} is more than the {self.test} test images")
        if 1.0 not in self.shift_strengths:
            raise ValueError("shift_strengths: 1, the full shift, is missing")
        for number, family in enumerate(self.families):
            if self.strength not in family.strengths:
                raise ValueError(f"families.{number}.strengths: {self.strength:g} is missing")
        if max(self.snapshots) >= self.epochs:
            raise ValueError(
                f"snapshots: {max(self.snapshots)} is not before the last of {self.epochs} epochs"
            )
        return self


class LieModels(Closed):
    """A family of networks, each trained without and with random translations and rotations."""

    networks: Names
    seeds: Count = Field(default=2, description="initialisations and sets of training images")
    train: Count = Field(description="training images")
    test: Count = Field(description="test images, of which accuracies are measured")
    images: Annotated[Whole, Field(ge=2)] = Field(
        description="test images of which errors are measured; of one, logits do not vary"
    )
    pixels: Count = Field(description="largest random translation along each axis")
    draws: Count = Field(description="finite transformations of the measures to compare with")
    epochs: Count
    batch: Count
    learning_rate: Rate = 3e-3

    @model_validator(mode="after")
    def _among_the_test_images(self) -> "LieModels":
        if self.images > self.test:
            raise ValueError(f"images: {self.images} is more than the {self.test} of test")
        return self


class LieLayers(Closed):
    """Networks of the family, trained without augmentation, whose layers are told apart."""

    networks: Names
    images: Count


class LiePartial(Closed):
    """The Lie derivative of the networks of `partial`."""

    images: Count = Field(description="at most, of the class left out and of the others")


Growing = Annotated[list[Count], Field(min_length=2), Distinct]


class Speed(Closed):
    """Sizes by which the cost of the work is measured; the first of each list is the others'."""

    n: Annotated[Sizes, Field(min_length=2)]
    pairs: Growing
    padding: Annotated[
        list[Annotated[Whole, Field(ge=0, le=64)]], Field(min_length=2), Distinct
    ] = Field(description="empty pixels on each side: images of other sizes")
    width: Growing = Field(description="of the trained networks")
    jobs: Growing = Field(description="kernels, in a process each")
    cores: Annotated[list[Count], Field(min_length=1), Distinct]
