"""Equivariance by finite transformations, to compare Lie derivatives with.

Integer and fractional translations and fractional rotations are those of Karras et al. (arXiv
2106.12423, appendix E), written from their definition. Each gives the moved images and a mask of
the pixels that came from inside the image (docs/science/lie.md#finite-transformations).
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float

from symlearn.measures.lie import Images, Model, check_generator, check_model, output_layout
from symlearn.measures.lie_action import LAYOUTS, Generator, MeasureError

Moved = tuple[Images, Images]
Operator = Callable[..., Moved]
Shift = tuple[int, Float[torch.Tensor, " tap"], int]

LOBES = 3  # of the windowed sinc filters
MAX_SHIFT = 1 / 8  # of random translations, in widths and heights
_FINER = 4  # by which images are refined before they are rotated
_WIDTH = 2 * LOBES  # half the width of the rotation's filter, in pixels
_REACH = 64  # half the width of the sinc filters that are convolved, in pixels


def integer_translation(images: Images, right: float, down: float) -> Moved:
    """Images moved by whole pixels, zeros outside; `right`, `down` in widths and heights."""
    rows, cols = images.shape[-2:]
    shifts = (_whole_pixels(down * rows), _whole_pixels(right * cols))
    return _shifted(images, *shifts)


def fractional_translation(images: Images, right: float, down: float) -> Moved:
    """Images moved by fractions of pixels: a Lanczos filter of six taps, zeros outside.

    The mask holds the pixels all of whose taps lie in the image.
    """
    rows, cols = images.shape[-2:]
    shifts = (_fractions_of_pixels(down * rows), _fractions_of_pixels(right * cols))
    return _shifted(images, *shifts)


def fractional_rotation(images: Images, angle: float) -> Moved:
    """Images turned anticlockwise by an angle in radians, band-limited to what both grids hold.

    The image is refined four times with `rotation_filter` and looked up bilinearly, zeros outside.
    Images that are not square turn in normalised coordinates. Cost: 2200 multiply-adds a pixel.
    """
    taps = rotation_filter(angle)
    margin = len(taps) // 2
    fine = _refined(images, taps)
    grid = _rotated_grid(images, angle, margin).to(images)
    inside = torch.zeros_like(fine[:, :1])
    border = 2 * margin + 1
    inside[:, :, border:-border, border:-border] = 1
    moved, mask = (
        F.grid_sample(values, grid, mode=mode, padding_mode="zeros", align_corners=True)
        for values, mode in ((fine, "bilinear"), (inside, "nearest"))
    )
    return moved, mask.expand_as(moved)


def rotation_filter(angle: float) -> Float[torch.Tensor, "row col"]:
    """The low-pass filter of a rotation, on a grid four times finer than the pixels.

    The convolution of an upright sinc filter and one turned by the angle, windowed by the
    convolution of their Lanczos windows. The taps sum to one, the same share at each of the 16
    positions within a pixel, so that a constant image stays constant.
    """
    count = 2 * _REACH * _FINER - 1
    offsets = (torch.arange(count, dtype=torch.float64) - count // 2) / _FINER
    down, right = torch.meshgrid(offsets, offsets, indexing="ij")
    cos, sin = math.cos(angle), math.sin(angle)
    turned = (cos * right + sin * down, cos * down - sin * right)
    low_pass = _convolved(_separable(torch.sinc, right, down), _separable(torch.sinc, *turned))
    window = _convolved(_separable(_lanczos, right, down), _separable(_lanczos, *turned))
    kept = slice((_REACH - _WIDTH) * _FINER, count - (_REACH - _WIDTH) * _FINER)
    taps = F.pad((low_pass * window)[kept, kept], (0, 1, 0, 1))
    phases = taps.reshape(2 * _WIDTH, _FINER, 2 * _WIDTH, _FINER)
    phases = phases / (_FINER**2 * phases.sum(dim=(0, 2), keepdim=True))
    return phases.reshape(taps.shape)[:-1, :-1]


def resample(images: Images, generator: str | Generator, amount: float) -> Images:
    """Images under exp(amount X): bilinear, reflected at the border, normalised coordinates.

    Its derivative at amount 0 from above takes the forward difference where a pixel's coordinate
    grows and the backward one where it falls. So it is the `forward-exact` stencil's where the
    velocity is not negative, as for translations. The mean of the derivatives from above and from
    below is the `central` stencil's everywhere (docs/science/lie.md#stencils).
    """
    chosen = check_generator(generator)
    field = torch.tensor([*chosen.field, (0, 0, 0)], dtype=torch.float64)
    matrix = torch.linalg.matrix_exp(amount * field)[:2].to(images)
    grid = F.affine_grid(matrix.expand(len(images), 2, 3), list(images.shape), align_corners=True)
    moved = F.grid_sample(images, grid, padding_mode="reflection", align_corners=True)
    return math.exp(amount * chosen.gain) * moved


def equivariance_error(
    model: Model,
    images: Images,
    operator: Operator,
    amounts: Sequence[Sequence[float]] | Float[torch.Tensor, "draw amount"],
    output: str = "vector",
) -> Float[torch.Tensor, " image"]:
    """The mean square of f(T x) - T f(x), over outputs and over the amounts of an operator.

    Rows of `amounts` are an operator's arguments. For the output "vector" T leaves f(x) as it is;
    an "image" (image, channel, row, col) is moved, and compared where the mask of both holds.
    """
    check_model(model)
    if output not in ("vector", "image"):
        raise MeasureError(f"the output is a 'vector' or an 'image' here, not {output!r}")
    with torch.no_grad():
        plain = model(images)
        output_layout(LAYOUTS[output], plain, len(images))
        total = sum(
            _error(model, images, plain, operator, [float(a) for a in row], output)
            for row in amounts
        )
    return torch.as_tensor(total) / len(amounts)


def expected_invariance(
    model: Model,
    images: Images,
    generator: str | Generator,
    amounts: Sequence[float] | Float[torch.Tensor, " draw"],
) -> Float[torch.Tensor, " image"]:
    """The mean square of f(exp(t X) x) - f(x), over outputs and over amounts t.

    The released code draws them uniformly: to 2 for translations, to pi / 16 for rotations.
    """

    def operator(values: Images, amount: float) -> Moved:
        moved = resample(values, generator, amount)
        return moved, torch.ones_like(moved)

    return equivariance_error(model, images, operator, [[float(t)] for t in amounts])


def consistency(
    model: Model, images: Images, shift: int, axis: Literal["row", "col"] = "col"
) -> Bool[torch.Tensor, " image"]:
    """Whether the class does not change when an image is rolled by `shift` pixels along an axis.

    The axis is "row" or "col"; rolling is circular. (The released code calls rows "x".)
    """
    check_model(model)
    dimension = {"row": 2, "col": 3}[axis]
    with torch.no_grad():
        rolled = model(torch.roll(images, shift, dims=dimension))
        return rolled.argmax(dim=1) == model(images).argmax(dim=1)


def random_shifts(
    draws: int, rng: torch.Generator, limit: float = MAX_SHIFT
) -> Float[torch.Tensor, "draw 2"]:
    """Uniform (right, down) for the translations, in widths and heights."""
    return limit * (2 * torch.rand(draws, 2, generator=rng, dtype=torch.float64) - 1)


def random_angles(
    draws: int, rng: torch.Generator, limit: float = math.pi
) -> Float[torch.Tensor, "draw 1"]:
    """Uniform angles for the rotation, in radians."""
    return limit * (2 * torch.rand(draws, 1, generator=rng, dtype=torch.float64) - 1)


def _error(
    model: Model,
    images: Images,
    plain: torch.Tensor,
    operator: Operator,
    amount: list[float],
    output: str,
) -> Float[torch.Tensor, " image"]:
    found = model(operator(images, *amount)[0])
    if output == "vector":
        return (found - plain).square().flatten(1).mean(dim=1)
    expected, mask = operator(plain, *amount)
    difference = ((found - expected) * mask).square().flatten(1)
    return difference.sum(dim=1) / mask.flatten(1).sum(dim=1)


def _whole_pixels(distance: float) -> Shift:
    return round(distance), torch.ones(1, dtype=torch.float64), 0


def _fractions_of_pixels(distance: float) -> Shift:
    whole = math.floor(distance)
    offsets = torch.arange(1 - LOBES, LOBES + 1, dtype=torch.float64) - (distance - whole)
    taps = torch.sinc(offsets) * _lanczos(offsets)
    return whole, taps / taps.sum(), LOBES - 1


def _shifted(images: Images, down: Shift, right: Shift) -> Moved:
    rows, row_mask = _shift_matrix(images.shape[2], *down)
    cols, col_mask = _shift_matrix(images.shape[3], *right)
    moved = rows.to(images) @ images @ cols.to(images).T
    mask = (row_mask[:, None] & col_mask).to(images)
    return moved, mask.expand_as(moved)


def _shift_matrix(
    count: int, whole: int, taps: Float[torch.Tensor, " tap"], middle: int
) -> tuple[Float[torch.Tensor, "to source"], Bool[torch.Tensor, " to"]]:
    """A translation of a line of pixels, and which of its pixels have all taps inside.

    Tap k lies k - middle pixels after the pixel that is moved to its place.
    """
    to, source = torch.arange(count)[:, None], torch.arange(count)
    tap = to - source - whole + middle
    known = (tap >= 0) & (tap < len(taps))
    matrix = torch.where(known, taps[tap.clamp(0, len(taps) - 1)], 0.0)
    return matrix, known.sum(dim=1) == len(taps)


def _refined(
    images: Images, taps: Float[torch.Tensor, "tap tap"]
) -> Float[torch.Tensor, "image channel fine_row fine_col"]:
    """Images on the finer grid, with a margin of half the filter on every side."""
    planes = images.flatten(0, 1)[:, None]
    kernel = _FINER**2 * taps.to(images)[None, None]
    fine = F.conv_transpose2d(planes, kernel, stride=_FINER)
    # Pixel i is centred between positions 4 i + 1 and 4 i + 2: the grid starts two to the left.
    fine = F.pad(fine, (2, 1, 2, 1))
    return fine.unflatten(0, images.shape[:2])[:, :, 0]


def _rotated_grid(
    images: Images, angle: float, margin: int
) -> Float[torch.Tensor, "image row col 2"]:
    """Where to look each pixel up on the finer grid, for torch's grid_sample."""
    v, u = (
        (2 * torch.arange(count, dtype=torch.float64) + 1) / count - 1
        for count in images.shape[-2:]
    )
    v, u = v[:, None], u[None]
    cos, sin = math.cos(angle), math.sin(angle)
    turned = (cos * u - sin * v, sin * u + cos * v)
    fine = [_FINER * count for count in images.shape[:1:-1]]
    positions = [count * (at + 1) / 2 + margin for at, count in zip(turned, fine, strict=True)]
    last = [count + 2 * margin - 1 for count in fine]
    grid = [2 * at / end - 1 for at, end in zip(positions, last, strict=True)]
    return torch.stack(grid, dim=-1).expand(len(images), -1, -1, -1)


def _separable(
    profile: Callable[[torch.Tensor], torch.Tensor],
    right: Float[torch.Tensor, "row col"],
    down: Float[torch.Tensor, "row col"],
) -> Float[torch.Tensor, "row col"]:
    return profile(right) * profile(down)


def _lanczos(offset: torch.Tensor) -> torch.Tensor:
    inside = offset.abs() < LOBES
    return torch.where(inside, torch.sinc(offset / LOBES), torch.zeros_like(offset))


def _convolved(
    one: Float[torch.Tensor, "row col"], other: Float[torch.Tensor, "row col"]
) -> Float[torch.Tensor, "row col"]:
    """The circular convolution of two arrays whose origin is in the middle."""
    spectra = [torch.fft.fft2(torch.fft.ifftshift(array)) for array in (one, other)]
    return torch.fft.fftshift(torch.fft.ifft2(spectra[0] * spectra[1])).real
