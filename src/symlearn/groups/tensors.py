"""Finite groups that act on torch images, with the same poses as on numpy images.

A pose is a linear map of the pixels, the same for every channel. Where all elements are exact,
it is a permutation of the pixels and is applied bit for bit; otherwise it is a matrix.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from symlearn.groups.actions import Action, action_of
from symlearn.groups.finite import FiniteGroup

Images = Float[torch.Tensor, "image channel row col"]
Poses = Float[torch.Tensor, "image pose channel row col"]
Elements = Int[torch.Tensor, " image"]


@dataclass(frozen=True)
class ImageAction(ABC):
    """A finite group that acts on images of one size, `shape` (rows, columns)."""

    group: FiniteGroup
    shape: tuple[int, int]

    def __len__(self) -> int:
        return len(self.group)

    def poses(self, images: Images) -> Poses:
        """Every pose of every image, poses in the order of the group's elements."""
        elements = torch.arange(len(self)).repeat(len(images))
        moved = self.move(images.repeat_interleave(len(self), dim=0), elements)
        return moved.unflatten(0, (len(images), len(self)))

    def undo(self, poses: Poses) -> Poses:
        """Each pose g moved by g^-1: all of them brought back to the orientation of the first."""
        inverses = torch.from_numpy(self.group.inverse).repeat(len(poses))
        return self.move(poses.flatten(0, 1), inverses).unflatten(0, poses.shape[:2])

    def move(self, images: Images, elements: Elements) -> Images:
        """Each image moved by an element of its own."""
        if images.shape[-2:] != self.shape:
            expected, found = (_size(shape) for shape in (self.shape, images.shape[-2:]))
            raise ValueError(f"{self.group.name} was set up for {expected} pixels, not {found}")
        moved = self._move(images.flatten(2), elements.to(images.device))
        return moved.view_as(images)

    @abstractmethod
    def _move(
        self, pixels: Float[torch.Tensor, "image channel pixel"], elements: Elements
    ) -> Float[torch.Tensor, "image channel pixel"]: ...


@dataclass(frozen=True)
class PixelPermutations(ImageAction):
    """An action by exact elements: pixel p of pose g is pixel `source[g, p]` of the image."""

    source: Int[torch.Tensor, "element pixel"]

    def _move(
        self, pixels: Float[torch.Tensor, "image channel pixel"], elements: Elements
    ) -> Float[torch.Tensor, "image channel pixel"]:
        source = self.source.to(pixels.device)[elements]
        return pixels.gather(2, source[:, None].expand_as(pixels))


@dataclass(frozen=True)
class PixelMaps(ImageAction):
    """An action some of whose elements interpolate: each is a matrix (to pixel, from pixel).

    It is a group action only approximately. Memory: |G| times the square of the pixels.
    """

    matrices: Float[torch.Tensor, "element pixel pixel"]

    def _move(
        self, pixels: Float[torch.Tensor, "image channel pixel"], elements: Elements
    ) -> Float[torch.Tensor, "image channel pixel"]:
        moved = torch.empty_like(pixels)
        for g in elements.unique().tolist():
            chosen = elements == g
            moved[chosen] = pixels[chosen] @ self.matrices[g].to(pixels).T
        return moved


def image_action(name: str, n: int, shape: tuple[int, int]) -> ImageAction:
    """The action of a family of the config at `n` on images of `shape` (rows, columns).

    Exact actions permute pixels bit for bit; others agree with `Action.apply` to rounding. Raises
    ValueError if the group does not act on images of that shape.
    """
    action = action_of(name)
    group = action.group(n)
    if len(action.exact(n)) < len(group):
        pixels = shape[0] * shape[1]
        moved = _apply(action, np.eye(pixels).reshape(pixels, *shape), name, n)
        columns = moved.reshape(pixels, len(group), pixels)
        matrices = np.ascontiguousarray(columns.transpose(1, 2, 0))
        return PixelMaps(group, shape, torch.from_numpy(matrices))
    numbers = np.arange(shape[0] * shape[1], dtype=float).reshape(1, *shape)
    source = _apply(action, numbers, name, n).reshape(len(group), -1).astype(np.int64)
    return PixelPermutations(group, shape, torch.from_numpy(source))


def _apply(
    action: Action, images: Float[np.ndarray, "image row col"], name: str, n: int
) -> Float[np.ndarray, "image pose row col"]:
    try:
        return action.apply(images, n)
    except ValueError as error:
        size = _size(images.shape[1:])
        raise ValueError(f"{name} with n = {n} does not act on {size} pixels: {error}") from None


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
