"""What an ensemble is trained on: shared points, and each member's own choice among them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int, Integer, Shaped

Indices = Integer[torch.Tensor, "_"]  # lists differ in length


class Normalisation(NamedTuple):
    """What networks see of images: intensities less `mean`, over `deviation`, by channel."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @classmethod
    def of(cls, settings: Mapping[str, Sequence[float]] | None) -> "Normalisation | None":
        """That of a problem's settings; None where they have none."""
        if settings is None:
            return None
        return cls(tuple(settings["mean"]), tuple(settings["deviation"]))

    def __call__(self, images: Float[torch.Tensor, "*batch channel row col"]) -> torch.Tensor:
        """Images in [0, 1] as networks see them."""
        mean, deviation = (images.new_tensor(values)[:, None, None] for values in self)
        return (images - mean) / deviation


@dataclass(frozen=True)
class Problem:
    """Points, targets, and for each member the points it trains on and those it is tested on.

    `pixels` may be whole levels (uint8), of which `scale` (one factor for each point) makes
    intensities when a batch is taken: N poses of every image then cost one byte a pixel.
    `targets` are classes (int64) under cross-entropy, numbers under the square loss.
    `train` and each of `tests` hold one list of point indices for each member. An epoch is
    `steps` batches of `batch` points, the same for all members; what is left over of a member's
    list comes up again in the next epoch's shuffle.
    """

    pixels: Shaped[torch.Tensor, "point channel row col"]
    scale: Float[torch.Tensor, " point"] | None
    targets: Shaped[torch.Tensor, " point"]
    train: Sequence[Indices]
    tests: Mapping[str, Sequence[Indices]]
    loss: Literal["cross-entropy", "square"]
    outputs: int
    batch: int
    steps: int
    normalisation: Normalisation | None = None

    @property
    def members(self) -> int:
        """The number of networks."""
        return len(self.train)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of a point."""
        channels, rows, cols = self.pixels.shape[1:]
        return channels, rows, cols

    def images(
        self, points: Int[torch.Tensor, "member batch"]
    ) -> Float[torch.Tensor, "member batch channel row col"]:
        """The intensities of points."""
        flat = points.reshape(-1)
        images = self.pixels[flat]
        if self.scale is not None:
            images = images * self.scale[flat].reshape(-1, 1, 1, 1)
        return images.reshape(*points.shape, *self.shape)

    def seen(
        self, images: Float[torch.Tensor, "member batch channel row col"]
    ) -> Float[torch.Tensor, "member batch channel row col"]:
        """Images, augmented or not, as networks see them."""
        return images if self.normalisation is None else self.normalisation(images)

    def only(self, members: slice) -> "Problem":
        """The same problem for some of the members."""
        tests = {name: lists[members] for name, lists in self.tests.items()}
        return replace(self, train=self.train[members], tests=tests)

    def to(self, device: torch.device, dtype: torch.dtype) -> "Problem":
        """The points on a device, numbers as `dtype`; the members' lists stay where they are."""

        def moved(values: torch.Tensor) -> torch.Tensor:
            return values.to(device, dtype if values.is_floating_point() else values.dtype)

        scale = None if self.scale is None else moved(self.scale)
        return replace(self, pixels=moved(self.pixels), scale=scale, targets=moved(self.targets))
