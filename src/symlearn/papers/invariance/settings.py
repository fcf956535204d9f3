"""What the studies of learned and genuine invariance can be set to."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from symlearn.menu.networks import ExactGroup
from symlearn.menu.values import (
    Class,
    Closed,
    Context,
    Count,
    Dataset,
    Distinct,
    Faults,
    Finite,
    Rate,
    Whole,
    enough_images,
    image_set,
    known_classes,
)

# Those of `symlearn.datasets.distribution_shift`, but the one that needs another data set.
ShiftName = Literal["inversion", "patch-shuffling", "smooth-fields", "noise"]
PATCHES = 4  # along a side, of patch-shuffling


class OtherImages(Dataset):
    """Images of another data set; those with colours are made grey."""

    crop: Annotated[Whole, Field(ge=0, le=64)] = Field(
        default=0, description="pixels cut off on each side, after upsampling and padding"
    )

    @model_validator(mode="after")
    def _grey(self) -> "OtherImages":
        self._images = image_set(self.name, self.path)
        if self.side < 1:
            raise ValueError(f"crop: {self.crop} leaves nothing of the images")
        return self

    @property
    def side(self) -> int:
        """The side in pixels of the images after the crop."""
        return super().side - 2 * self.crop


class InvarianceFamily(Closed):
    """One untied network and one group, learned in several ways, beside its weight-tied kin."""

    network: str
    group: ExactGroup
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
    other: OtherImages | None = Field(
        default=None, description="data set that images are interpolated to, as a further shift"
    )
    strength: Finite = Field(
        default=1.0, description="of the invariance loss where one stands for all"
    )
    class_: Class = Field(default=4, description="of the image whose saliency is drawn")
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
            raise ValueError(
                f"images: {self.images} is more than the {self.test} test images; take a smaller "
                "number"
            )
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


class Settings(Closed):
    """The studies of this paper, by their keys in a preset."""

    title: ClassVar[str] = "Genuine invariance"
    rank: ClassVar[int] = 3

    invariance: Invariance


def images_are_enough(context: Context, invariance: Invariance) -> Faults:
    """The data set has as many images as networks are trained and tested on."""
    images = context.dataset.image_set
    yield from enough_images("invariance.train", invariance.train, invariance.test, images)


def saliency_is_of_a_class_that_there_is(context: Context, invariance: Invariance) -> Faults:
    """Classes are counted from 0."""
    yield from known_classes("invariance.class_", [invariance.class_], context.dataset.facts)


def patches_divide_the_images(context: Context, invariance: Invariance) -> Faults:
    """Patches that change places are of whole pixels."""
    side = context.dataset.side
    if "patch-shuffling" in invariance.shifts and side % PATCHES:
        yield (
            "invariance.shifts",
            f"the {PATCHES} x {PATCHES} patches of patch-shuffling do not divide the images' side, "
            f"{side} pixels",
        )


def groups_permute_pixels(context: Context, invariance: Invariance) -> Faults:
    """Weight-tying is exact for such groups alone."""
    side = context.dataset.side
    for number, family in enumerate(invariance.families):
        key = f"invariance.families.{number}.n"
        if family.group == "cyclic-shift" and side % family.n:
            yield key, f"{family.n} does not divide the images' side, {side} pixels"
        if family.group != "cyclic-shift" and family.n not in (2, 4):
            yield key, f"{family.n} turns by interpolation; 2 and 4 permute pixels"


def other_images_are_of_one_size(context: Context, invariance: Invariance) -> Faults:
    """Images are interpolated to others pixel by pixel."""
    side, other = context.dataset.side, invariance.other
    if other is not None and other.side != side:
        yield "invariance.other", f"its images have {other.side} pixels a side, not {side}"


def pooled_networks_are_perceptrons(context: Context, invariance: Invariance) -> Faults:
    """Only the first layer of such a network can be pooled."""
    for number, family in enumerate(invariance.families):
        entry = context.networks.get(family.network)
        if entry is None or "pooled" not in family.tied:
            continue
        if entry["kind"] != "perceptron" or entry["dropout"]:
            what = "with dropout" if entry["kind"] == "perceptron" else entry["kind"]
            yield (
                f"invariance.families.{number}.tied",
                f"pooled ties a perceptron without dropout, not {family.network!r} ({what}); "
                "averaged ties any network",
            )
