"""Random transformations of training images, and pairs of poses for the invariance loss.

Each network draws from a generator of its own, on the CPU, so that its numbers depend neither on
its neighbours nor on the device. These pages say which study uses which transformation:
docs/science/invariance.md#the-protocol, docs/science/invariance.md#the-regulariser,
docs/science/lie.md#the-studies and docs/science/stability.md#training.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float

from symlearn.groups.tensors import image_action

Batch = Float[torch.Tensor, "member image channel row col"]
Generators = Sequence[torch.Generator]
Augmentation = Callable[[Batch, Generators], Batch]
Shape = tuple[int, int, int]


def augmentation(entry: Mapping[str, Any], shape: Shape) -> Augmentation:
    """The random transformation of an entry: its `kind` and its parameters.

    `group`: a uniform element of a group, for each image. `rotation`: a uniform angle, bilinear,
    zeros outside. `translation`: by at most `pixels` along each axis, likewise. `crop-and-flip`:
    by at most `pixels` whole pixels, zeros outside, and left-right reflection of every second.
    """
    settings = dict(entry)
    return _KINDS[settings.pop("kind")](shape, **settings)


def _group(shape: Shape, *, group: str, n: int) -> Augmentation:
    action = image_action(group, n, shape[1:])

    def apply(images: Batch, generators: Generators) -> Batch:
        count = images.shape[1]
        drawn = [torch.randint(len(action), (count,), generator=g) for g in generators]
        return action.move(images.flatten(0, 1), torch.cat(drawn)).view_as(images)

    return apply


def _rotation(shape: Shape) -> Augmentation:
    def apply(images: Batch, generators: Generators) -> Batch:
        angles = 2 * math.pi * _uniform(images, generators)
        cos, sin, zero = angles.cos(), angles.sin(), torch.zeros_like(angles)
        rows = (torch.stack([cos, sin, zero], dim=1), torch.stack([-sin, cos, zero], dim=1))
        return _resampled(images, torch.stack(rows, dim=1))

    return apply


def _translation(shape: Shape, *, pixels: int) -> Augmentation:
    def apply(images: Batch, generators: Generators) -> Batch:
        rows, cols = shape[1:]
        limit = pixels * torch.tensor([2 / cols, 2 / rows])
        shifts = limit * (2 * _uniform(images, generators, 2) - 1)
        matrices = torch.eye(2).expand(len(shifts), 2, 2)
        return _resampled(images, torch.cat([matrices, shifts[:, :, None]], dim=2))

    return apply


def _crop_and_flip(shape: Shape, *, pixels: int) -> Augmentation:
    def apply(images: Batch, generators: Generators) -> Batch:
        count = images.shape[1]
        corners = torch.cat([torch.randint(2 * pixels + 1, (count, 2), generator=g)
                             for g in generators]).to(images.device)  # fmt: skip
        flipped = torch.cat([torch.rand(count, generator=g) < 0.5 for g in generators])
        flat = F.pad(images.flatten(0, 1), [pixels] * 4)
        rows, cols = (
            corners[:, i, None] + torch.arange(shape[1 + i], device=images.device) for i in (0, 1)
        )
        cols = torch.where(flipped.to(images.device)[:, None], cols.flip(1), cols)
        number = torch.arange(len(flat), device=images.device)[:, None, None]
        cropped = flat[number, :, rows[:, :, None], cols[:, None]]
        return cropped.movedim(3, 1).reshape(images.shape)

    return apply


_KINDS: Mapping[str, Callable[..., Augmentation]] = {
    "group": _group,
    "rotation": _rotation,
    "translation": _translation,
    "crop-and-flip": _crop_and_flip,
}


def _uniform(images: Batch, generators: Generators, *more: int) -> Float[torch.Tensor, "..."]:
    """Uniform in [0, 1), as many for each image of each member."""
    return torch.cat([torch.rand(images.shape[1], *more, generator=g) for g in generators])


def _resampled(images: Batch, matrices: Float[torch.Tensor, "flat 2 3"]) -> Batch:
    flat = images.flatten(0, 1)
    grid = F.affine_grid(matrices.to(flat), list(flat.shape), align_corners=False)
    return F.grid_sample(flat, grid, align_corners=False).view_as(images)
