"""Value types that the settings of several papers share, and the context that their cells need."""

import difflib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    Strict,
    StringConstraints,
    model_validator,
)

from symlearn.menu.datasets import DATASETS, Facts
from symlearn.menu.own_images import OwnImages, found_at

# Names become parts of file names and of command lines, so they are plain.
PlainName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
DatasetName = Annotated[
    PlainName,
    Field(
        description="of a published data set, or your own for the images at path",
        json_schema_extra={"examples": list(DATASETS)},
    ),
]
ImagePath = Annotated[
    str | None,
    Field(
        description="images of your own: an .npz file with images and labels, or a folder with a "
        "folder of pictures for each class"
    ),
]


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


@dataclass(frozen=True)
class ImageSet:
    """A published data set by its name, or images of one's own, which have a name and a path."""

    name: str
    path: Path | None = None
    own: OwnImages | None = None

    @property
    def facts(self) -> Facts:
        """What is known of the images."""
        return DATASETS[self.name] if self.own is None else self.own.facts


def image_set(name: str, path: str | None, key: str = "name") -> ImageSet:
    """The images that a part of the config names by `key` and `path`; raises ValueError."""
    if path is None:
        if name not in DATASETS:
            choices = allowed(name, DATASETS)
            raise ValueError(f"{key}: {name!r} is unknown; {choices}, or your own with its path")
        return ImageSet(name)
    if name in DATASETS:
        raise ValueError(f"{key}: {name!r} is a published data set; name the images at path anew")
    where = Path(os.path.expanduser(path)).absolute()
    try:
        return ImageSet(name, where, found_at(where))
    except ValueError as error:
        # A name of a file may hold line breaks.
        shown = "".join(one if one.isprintable() else "?" for one in str(error))
        raise ValueError(f"path: {shown}") from None


def allowed(given: str, names: Iterable[str]) -> str:
    """The names that may stand in the place of a wrong one, the nearest first."""
    choices = list(names)
    near = difflib.get_close_matches(given, choices, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}allowed: {', '.join(choices)}"


class Dataset(Closed):
    """Which images, and what is done to them before a group acts."""

    name: DatasetName
    path: ImagePath = None
    upsampling: Annotated[Whole, Field(ge=1, le=8)] = Field(
        default=1, description="integer factor, cubic splines, before the padding"
    )
    padding: Annotated[Whole, Field(ge=0, le=64)] = Field(
        default=0, description="empty pixels added on each side"
    )

    _images: ImageSet = PrivateAttr()

    @model_validator(mode="after")
    def _grey(self) -> "Dataset":
        self._images = image_set(self.name, self.path)
        if self.facts.channels > 1:
            raise ValueError(
                f"name: {self.name!r} has colours, and kernels and orbits are of grey images; name "
                "it in stability.tasks"
            )
        return self

    @property
    def image_set(self) -> ImageSet:
        """The images as they come."""
        return self._images

    @property
    def facts(self) -> Facts:
        """What is known of the data set."""
        return self._images.facts

    @property
    def side(self) -> int:
        """The side in pixels of the images after upsampling and padding."""
        return self.facts.side * self.upsampling + 2 * self.padding

    @property
    def preparation(self) -> dict[str, int]:
        """What is done to the images, as specs have it."""
        return self.model_dump(exclude={"name", "path"})

    @property
    def described(self) -> dict[str, Any]:
        """The same with the name; where images of one's own lie changes no number."""
        return self.model_dump(exclude={"path"})


@dataclass(frozen=True)
class Context:
    """What the cells of all studies share: the preset's data and seed, and entries by name."""

    seed: int
    dataset: Dataset
    architectures: Mapping[str, Mapping[str, Any]]
    networks: Mapping[str, Mapping[str, Any]]
    data_root: str | None = None  # the folder that is looked into first for data sets

    def architecture(self, name: str) -> dict[str, Any]:
        """The entry of an architecture, its defaults filled in."""
        return dict(self.architectures[name])

    def network(self, name: str) -> dict[str, Any]:
        """The entry of a network, its defaults filled in."""
        return dict(self.networks[name])


def enough_images(key: str, train: int, test: int, images: ImageSet) -> Faults:
    """A fault where a data set has fewer images than are trained on and tested."""
    count = images.facts.images
    if train + test > count:
        yield (
            key,
            f"{train} training and {test} test images are more than the {count} of {images.name}; "
            "take a smaller number",
        )


def known_classes(key: str, classes: Iterable[int], facts: Facts) -> Faults:
    """A fault for each class that a data set does not have."""
    numbers = [str(number) for number in range(facts.classes)]
    names = f" ({', '.join(facts.names)})" if facts.names and [*facts.names] != numbers else ""
    for one in classes:
        if one >= facts.classes:
            there = f"only 0 to {facts.classes - 1}{names}"
            yield key, f"there is no class {one}, {there}; take a smaller one"


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
