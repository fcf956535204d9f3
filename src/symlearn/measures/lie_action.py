"""How a generator acts on the axes of a tensor: generators, layouts and stencils.

Coordinates are u to the right and v downwards, from -1 to 1 between the centres of the first and
the last pixel. A geometric generator is a vector field xi = A (u, v, 1) and acts on images by
X h = xi_u dh/du + xi_v dh/dv; the derivatives are a stencil's. Definitions:
docs/science/lie.md#generators, docs/science/lie.md#layouts, docs/science/lie.md#stencils.
"""

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from jaxtyping import Float, Int

from symlearn.errors import SymlearnError

STENCILS = ("forward", "forward-exact", "central", "spectral")
STENCIL = "forward"  # the released code's, by which its numbers and ours are the same
Size = tuple[int, int]
Row = tuple[float | int, float | int, float | int]  # of u, v and 1


class MeasureError(SymlearnError, ValueError):
    """A network or its images are not what a measure can be taken of."""


@dataclass(frozen=True)
class Generator:
    """A one-parameter group's derivative at the identity: a vector field and a gain.

    `field` holds the rows (xi_u, xi_v), each in terms of (u, v, 1); `gain` multiplies the
    intensities. `square` says that the transformation has its name on square images only.
    """

    name: str
    field: tuple[Row, Row] = ((0, 0, 0), (0, 0, 0))
    gain: float = 0.0
    square: bool = False

    @property
    def moves(self) -> tuple[bool, bool]:
        """Whether pixels move along (u, v)."""
        return any(self.field[0]), any(self.field[1])


# The two stretches are the intended diag(1 + t, 1) and diag(1, 1 + t); in the released code the
# other diagonal entry is 0, so that the image collapses onto a line
# (docs/science/lie.md#generators).
GENERATORS: Mapping[str, Generator] = {
    generator.name: generator
    for generator in (
        Generator("translate_x", ((0, 0, 1), (0, 0, 0))),
        Generator("translate_y", ((0, 0, 0), (0, 0, 1))),
        Generator("rotate", ((0, 1, 0), (-1, 0, 0)), square=True),
        Generator("hyperbolic", ((0, 1, 0), (1, 0, 0)), square=True),
        Generator("scale", ((-1, 0, 0), (0, -1, 0))),
        Generator("shear_x", ((0, 1, 0), (0, 0, 0))),
        Generator("shear_y", ((0, 0, 0), (1, 0, 0))),
        Generator("stretch_x", ((1, 0, 0), (0, 0, 0))),
        Generator("stretch_y", ((0, 0, 0), (0, 1, 0))),
        Generator("saturate", gain=1.0),
    )
}


@dataclass(frozen=True)
class Vector:
    """Numbers on which the generator does not act, whatever their axes."""


@dataclass(frozen=True)
class Image:
    """Pixels: the axes of rows and columns; all others are scalars carried along."""

    row: int = 2
    col: int = 3


@dataclass(frozen=True)
class Tokens:
    """Pixels row by row along one axis, after `extra` tokens that do not move.

    `size` is (rows, columns); without it the tokens must make a square.
    """

    axis: int = 1
    extra: int = 0
    size: Size | None = None


Layout = Vector | Image | Tokens
LAYOUTS: Mapping[str, Layout] = {"vector": Vector(), "image": Image(), "tokens": Tokens()}


def act(
    values: Float[torch.Tensor, "..."],
    layout: Layout,
    generator: Generator,
    stencil: str,
    full: Size,
) -> Float[torch.Tensor, "..."]:
    """X h for values in a layout, per unit of the generator's parameter.

    `full` is the size of the network's input in pixels: the spectral stencil lives on a torus,
    whose period is the same number of units at every resolution.
    """
    if stencil not in STENCILS:
        raise MeasureError(f"no stencil is called {stencil!r}; there are {', '.join(STENCILS)}")
    if isinstance(layout, Vector):
        return torch.zeros_like(values)
    if isinstance(layout, Image):
        return _act_on_image(values, layout, generator, stencil, full)
    extra, pixels = values.tensor_split([layout.extra], dim=layout.axis)
    size = layout.size or _square(pixels.shape[layout.axis])
    image = Image(layout.axis, layout.axis + 1)
    moved = _act_on_image(pixels.unflatten(layout.axis, size), image, generator, stencil, full)
    return torch.cat([torch.zeros_like(extra), moved.flatten(*_axes(image))], dim=layout.axis)


def jvp(
    function: Callable[..., Any], primals: tuple[torch.Tensor, ...], tangents: tuple[Any, ...]
) -> tuple[Any, Any]:
    """A function's value and directional derivative, as torch.func.jvp."""
    _load_forward_mode()
    result = torch.func.jvp(function, primals, tangents)
    return result[0], result[1]


@cache
def _load_forward_mode() -> None:
    # Torch compiles some of its rules at the first use, with a function that it calls deprecated.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.*", category=DeprecationWarning)
        torch.func.jvp(torch.sin, (torch.ones(1),), (torch.ones(1),))


def check_layout(layout: Layout, shape: torch.Size) -> None:
    """Raises MeasureError where a tensor of that shape does not have the layout."""
    if isinstance(layout, Image):
        axes = _axes(layout)
        if max(axes) >= len(shape) or min(shape[axis] for axis in axes) < 2:
            raise MeasureError(
                f"an output of shape {tuple(shape)} has no rows and columns, at least two of each, "
                f"as axes {axes}: say how it is laid out"
            )
    if isinstance(layout, Tokens):
        count = shape[layout.axis] - layout.extra if layout.axis < len(shape) else 0
        if count < 4 or math.prod(layout.size or _square(count)) != count:
            raise MeasureError(
                f"axis {layout.axis} of an output of shape {tuple(shape)} has no tokens of "
                f"{layout.size or 'a square of'} pixels after {layout.extra} extra ones"
            )


def _act_on_image(
    values: Float[torch.Tensor, "..."],
    layout: Image,
    generator: Generator,
    stencil: str,
    full: Size,
) -> Float[torch.Tensor, "..."]:
    moved = generator.gain * values if generator.gain else torch.zeros_like(values)
    v, u = (
        _coordinates(values, axis, stencil, length)
        for axis, length in zip(_axes(layout), full, strict=True)
    )
    for (by_u, by_v, constant), axis, length in zip(
        generator.field, (layout.col, layout.row), reversed(full), strict=True
    ):
        if by_u or by_v or constant:
            speed = by_u * u + by_v * v + constant
            moved = moved + speed * _difference(values, axis, stencil, length)
    return moved


def _coordinates(
    values: Float[torch.Tensor, "..."], axis: int, stencil: str, full: int
) -> Float[torch.Tensor, "..."]:
    count = values.shape[axis]
    if stencil == "spectral":
        pixel = torch.arange(count, dtype=torch.float64)
        positions = (pixel - (count - 1) / 2) / _pixels_per_unit(count, full)
    else:
        positions = torch.linspace(-1, 1, count, dtype=values.dtype)
    along = [-1 if i == axis % values.ndim else 1 for i in range(values.ndim)]
    return positions.to(values).reshape(along)


def _pixels_per_unit(count: int, full: int) -> float:
    return (full - 1) / 2 * count / full


def _difference(
    values: Float[torch.Tensor, "..."], axis: int, stencil: str, full: int
) -> Float[torch.Tensor, "..."]:
    """The derivative per unit of the coordinate along an axis."""
    count = values.shape[axis]
    if stencil == "spectral":
        return _pixels_per_unit(count, full) * _spectral(values, axis)
    lower, upper, distance = _neighbours(count, stencil, values.dtype)
    ahead, behind = (values.index_select(axis, i.to(values.device)) for i in (upper, lower))
    return (count - 1) / (2 * distance) * (ahead - behind)


@cache
def _neighbours(
    count: int, stencil: str, dtype: torch.dtype
) -> tuple[Int[torch.Tensor, " pixel"], Int[torch.Tensor, " pixel"], int]:
    """Which pixels are subtracted at each pixel, and how far apart they are.

    The authors' resampler looks each pixel up at its own centre and interpolates from the pixel
    to the left of it: the one at floor(centre). Where the centre is rounded downwards that is one
    pixel too far left, so their derivative there is the backward difference
    (docs/science/lie.md#rounding-in-the-forward-stencil). The rounding is that of the values'
    type, on any device. Beyond the border images are reflected.
    """
    pixel = torch.arange(count)
    if stencil == "central":
        return _reflected(pixel - 1, count), _reflected(pixel + 1, count), 2
    if stencil == "forward":
        centres = (torch.linspace(-1, 1, count, dtype=dtype) + 1) / 2 * (count - 1)
        pixel = centres.floor().long()
    return pixel, _reflected(pixel + 1, count), 1


def _reflected(pixel: Int[torch.Tensor, " pixel"], count: int) -> Int[torch.Tensor, " pixel"]:
    last = count - 1
    return last - (last - pixel.abs()).abs()


def _spectral(values: Float[torch.Tensor, "..."], axis: int) -> Float[torch.Tensor, "..."]:
    """The derivative per pixel of the trigonometric interpolation, of periodic values."""
    count = values.shape[axis]
    modes = torch.fft.rfft(values, dim=axis)
    rates = 2 * math.pi / count * torch.arange(modes.shape[axis], dtype=torch.float64)
    if count % 2 == 0:
        rates[-1] = 0  # the interpolation of the highest mode is flat at the pixels
    along = [-1 if i == axis % values.ndim else 1 for i in range(values.ndim)]
    rates = rates.to(values).reshape(along)
    return torch.fft.irfft(1j * rates * modes, n=count, dim=axis)


def _axes(layout: Image) -> tuple[int, int]:
    return layout.row, layout.col


def _square(count: int) -> Size:
    side = math.isqrt(max(count, 0))
    return side, side
