"""What the study of speed can be set to."""

from typing import Annotated, ClassVar

from pydantic import Field

from symlearn.menu.values import Closed, Count, Distinct, Growing, Sizes, Whole


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


class Settings(Closed):
    """The studies of this wing, by their keys in a preset."""

    title: ClassVar[str] = "Speed"
    rank: ClassVar[int] = 5

    speed: Speed
