"""Value types that the settings of several papers share, and the context that their cells need."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, model_validator

from symlearn.menu.datasets import DATASETS, Facts

DatasetName: Any = Literal[tuple(DATASETS)]


def distinct(values: list[Any]) -> list[Any]:
    """The values; raises ValueError where two are equal."""
    if len(set(values)) != len(values):
        raise ValueError("a value stands twice")
    return values


Distinct = AfterValidator(distinct)
# `yes` and `3.0` are no whole numbers.
Whole = Annotated[int, Strict()]
Count = Annotated[Whole, Field(gt=0)]
Order = Annotated[Whole, Field(ge=2, le=720)]
Sizes = Annotated[list[Order], Field(min_length=1), Distinct]
Growing = Annotated[list[Count], Field(min_length=2), Distinct]
Names = Annotated[list[str], Field(min_length=1), Distinct]
RidgeFactor = Annotated[float, Field(gt=0, lt=1)]
Rate = Annotated[float, Field(gt=0)]
Finite = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Class = Annotated[Whole, Field(ge=0)]  # how many there are, the data set says: `known_classes`
ClassList = Annotated[list[Class], Field(min_length=1), Distinct]

# What is wrong with valid settings where they meet each other or the images: the key of a study
# with what follows it, and a sentence.
Faults = Iterator[tuple[str, str]]


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
        if self.facts.channels > 1:
            raise ValueError(
                f"name: {self.name!r} has colours, and kernels and orbits are of grey images; name "
                "it in stability.tasks"
            )
        return self

    @property
    def facts(self) -> Facts:
        """What is known of the data set."""
        return DATASETS[self.name]

    @property
    def side(self) -> int:
        """The side in pixels of the images after upsampling and padding."""
        return self.facts.side * self.upsampling + 2 * self.padding

    @property
    def preparation(self) -> dict[str, int]:
        """What is done to the images, as specs have it."""
        return self.model_dump(exclude={"name"})


@dataclass(frozen=True)
class Context:
    """What the cells of all studies share: the preset's data and seed, and entries by name."""

    seed: int
    dataset: Dataset
    architectures: Mapping[str, Mapping[str, Any]]
    networks: Mapping[str, Mapping[str, Any]]

    def architecture(self, name: str) -> dict[str, Any]:
        """The entry of an architecture, its defaults filled in."""
        return dict(self.architectures[name])

    def network(self, name: str) -> dict[str, Any]:
        """The entry of a network, its defaults filled in."""
        return dict(self.networks[name])


def enough_images(key: str, train: int, test: int, dataset: str) -> Faults:
    """A fault where a data set has fewer images than are trained on and tested."""
    count = DATASETS[dataset].images
    if train + test > count:
        yield (
            key,
            f"{train} training and {test} test images are more than the {count} of {dataset}; take "
            "a smaller number",
        )


def known_classes(key: str, classes: Iterable[int], facts: Facts) -> Faults:
    """A fault for each class that a data set does not have."""
    for one in classes:
        if one >= facts.classes:
            yield key, f"there is no class {one}, only 0 to {facts.classes - 1}; take a smaller one"


def at_most(key: str, value: int, most: int, where: str) -> Faults:
    """A fault where a number is larger than the one at another key."""
    if value > most:
        yield (
            key,
            f"{value} is more than {where}, {most}; take a smaller one here or a larger there",
        )


def among(key: str, value: Any, there: list[Any], where: str) -> Faults:
    """A fault where a value is not in the list at another key."""
    if value not in there:
        yield key, f"{value!r} is not in {where}, {', '.join(map(str, there))}; add it there"
