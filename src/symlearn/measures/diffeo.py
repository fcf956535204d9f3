"""Random smooth deformations of images: maximum-entropy fields, and images resampled along them.

After Petrini et al. 2021, in the conventions of the authors' code: a field vanishes on the frame,
its modes lie within a quarter disc, and the deformed image at a pixel is the image at the pixel
less the displacement, held inside the frame. dx counts columns and dy rows, in pixels. The law of
the fields is in docs/science/stability.md#maximum-entropy-deformations, their size in
docs/science/stability.md#temperature-cut-off-and-displacement.
"""

import math
import warnings
from typing import Literal, get_args

import torch
from jaxtyping import Bool, Float, Int
from torch.nn.functional import grid_sample

Fields = Float[torch.Tensor, "*field row col"]
Coordinates = Float[torch.Tensor, "..."]
Interpolation = Literal["bilinear", "gaussian", "nearest"]

# The width in pixels of the authors' Gaussian interpolation.
_GAUSSIAN_WIDTH = 0.4715


class DeformationWarning(UserWarning):
    """A temperature at which a field does something else than deform the image smoothly."""


def displacement(temperature: float, side: int, cutoff: int) -> float:
    """The nominal displacement in pixels, delta = (n / 2) sqrt(pi T ln c).

    A label: `root_mean_square` is what the fields really move by, 0.84 delta at c = 3.
    """
    return 0.5 * side * math.sqrt(math.pi * temperature * _log(cutoff))


def temperature(displacement: float, side: int, cutoff: int) -> float:
    """The temperature at which the nominal displacement has this many pixels."""
    return 4 * displacement**2 / (math.pi * side**2 * _log(cutoff))


def temperature_range(side: int, cutoff: int) -> tuple[float, float]:
    """Allowed temperatures: from half a pixel to n / (pi c) pixels of nominal displacement.

    The upper end is that of typical fields: some fold already there (see `folded`).
    """
    lowest = 1 / (math.pi * side**2 * _log(cutoff))
    return lowest, 4 / (math.pi**3 * cutoff**2 * _log(cutoff))


def root_mean_square(temperature: float, side: int, cutoff: int) -> float:
    """The root mean square displacement in pixels, over the square and the fields.

    n sqrt(T S_c / 2), S_c the sum of 1 / (i^2 + j^2) over the modes: each of the two components
    has the mean square T S_c / 4 (docs/science/stability.md#temperature-cut-off-and-displacement).
    """
    return side * math.sqrt(0.5 * temperature * float((mode_amplitudes(cutoff) ** 2).sum()))


def mode_amplitudes(cutoff: int) -> Float[torch.Tensor, "i j"]:
    """Standard deviation at T = 1 of the mode sin(i pi u) sin(j pi v), zero beyond the cutoff.

    1 / sqrt(i^2 + j^2) within the authors' disc, sqrt(i^2 + j^2) < c + 1/2.
    """
    squared = torch.arange(1, cutoff + 1, dtype=torch.float64) ** 2
    radius = (squared[:, None] + squared).sqrt()
    return (radius < cutoff + 0.5) / radius


def sample_fields(
    count: int,
    side: int,
    temperature: float,
    cutoff: int,
    generator: torch.Generator,
    like: torch.Tensor | None = None,
) -> tuple[Float[torch.Tensor, "field row col"], Float[torch.Tensor, "field row col"]]:
    """Independent fields, as displacements dx and dy in pixels.

    On the device and in the precision of `like` (at least single); drawn in double precision
    where the generator lives, so the same fields on every device. Warns where the temperature is
    outside the allowed range. Cost: 2 count c n (c + n) operations.
    """
    draws = torch.randn(
        (2, count, cutoff, cutoff),
        generator=generator,
        device=generator.device,
        dtype=torch.float64,
    )
    amplitudes = math.sqrt(temperature) * side * mode_amplitudes(cutoff)
    grid = torch.linspace(0, 1, side, dtype=torch.float64)
    modes = (math.pi * grid[:, None] * torch.arange(1, cutoff + 1)).sin()
    modes[-1] = 0.0  # the sine of a whole multiple of pi is only nearly zero
    like = draws if like is None else like
    precision = torch.promote_types(like.dtype, torch.float32)
    coefficients = (draws * amplitudes.to(draws.device)).to(precision).to(like.device)
    modes = modes.to(precision).to(like.device)
    dx, dy = modes @ coefficients @ modes.T
    _check_temperature(temperature, side, cutoff, dx, dy)
    return dx, dy


def folded(dx: Fields, dy: Fields) -> Bool[torch.Tensor, "*field"]:
    """Whether the deformed grid overlaps itself anywhere.

    It does if one of the four triangles at the corners of a cell of the grid has lost its
    orientation: between pixels the field is taken as bilinear, whose Jacobian is least at a corner
    (docs/science/stability.md#folds).
    """
    right = 1 - dx.diff(dim=-1), -dy.diff(dim=-1)
    down = -dx.diff(dim=-2), 1 - dy.diff(dim=-2)
    across = [(edge[..., :-1, :], edge[..., 1:, :]) for edge in right]
    along = [(edge[..., :, :-1], edge[..., :, 1:]) for edge in down]
    overlap = torch.zeros(dx.shape[:-2], dtype=torch.bool, device=dx.device)
    for x, y in zip(*across, strict=True):
        for u, v in zip(*along, strict=True):
            overlap |= (x * v - y * u <= 0).flatten(-2).any(dim=-1)
    return overlap


def remap(
    images: Float[torch.Tensor, "*image row col"],
    dx: Fields,
    dy: Fields,
    interpolation: Interpolation = "bilinear",
) -> Float[torch.Tensor, "*image row col"]:
    """Images deformed by fields: the value at a pixel is the image's at (col - dx, row - dy).

    See docs/science/stability.md#resampling-along-a-field.
    A field's leading axes are the first of the images' axes and it acts on all of what follows:
    (row, col) is one field for all, (image, row, col) one for each of (image, channel, row, col).
    The result has the images' precision. `gaussian` weighs all pixels, at a cost of (row col)^2.
    """
    if interpolation not in get_args(Interpolation):
        raise ValueError(f"interpolation {interpolation!r}: {', '.join(get_args(Interpolation))}?")
    leading = dx.ndim - 2
    if dx.shape != dy.shape or dx.shape != images.shape[:leading] + images.shape[-2:]:
        raise ValueError(
            f"fields of shapes {tuple(dx.shape)} and {tuple(dy.shape)} do not belong to images of "
            f"shape {tuple(images.shape)}: expected (row, col) or (image, row, col)"
        )
    rows, cols = images.shape[-2:]
    # Half precision cannot tell pixels apart.
    precision = torch.promote_types(torch.promote_types(images.dtype, dx.dtype), torch.float32)
    x = torch.arange(cols, dtype=precision, device=dx.device) - dx
    y = torch.arange(rows, dtype=precision, device=dy.device)[:, None] - dy
    x, y = x.clamp(0, cols - 1), y.clamp(0, rows - 1)
    # One axis for all that a field acts on.
    flat = images.to(precision).reshape(*images.shape[:leading], -1, rows, cols)
    sample = {"bilinear": _bilinear, "gaussian": _gaussian, "nearest": _nearest}[interpolation]
    return sample(flat, x, y).to(images.dtype).reshape(images.shape)


def square_side(images: Float[torch.Tensor, "*image row col"]) -> int:
    """The side of square images; raises ValueError for others."""
    rows, cols = images.shape[-2:]
    if rows != cols:
        raise ValueError(
            f"images of {rows} rows and {cols} columns: fields are defined on square images, "
            "so crop or pad them"
        )
    return rows


def _log(cutoff: int) -> float:
    if cutoff < 2:
        raise ValueError(f"cutoff c = {cutoff}: c must be at least 2, as displacements go as ln c")
    return math.log(cutoff)


def _check_temperature(temperature: float, side: int, cutoff: int, dx: Fields, dy: Fields) -> None:
    lowest, highest = temperature_range(side, cutoff)
    # A temperature set by a displacement at an end of the range may miss it by rounding.
    if lowest * (1 - 1e-9) <= temperature <= highest * (1 + 1e-9):
        return
    where = f"below {lowest:.3g}" if temperature < lowest else f"above {highest:.3g}"
    share = folded(dx, dy).double().mean().item()
    warnings.warn(
        f"temperature {temperature:.3g} is {where}, the end of the range allowed for {side} pixels "
        f"and cutoff {cutoff}: nominal displacement {displacement(temperature, side, cutoff):.2g} "
        f"pixels, {share:.0%} of the fields fold",
        DeformationWarning,
        stacklevel=3,
    )


def _bilinear(images: Coordinates, x: Coordinates, y: Coordinates) -> Coordinates:
    """By torch's own sampler, whose coordinates go from -1 to 1 between the outer pixels.

    Relative to one pixel, so that an image that is the same everywhere stays so to the last bit.
    """
    rows, cols = images.shape[-2:]
    grid = torch.stack([2 * x / max(cols - 1, 1) - 1, 2 * y / max(rows - 1, 1) - 1], dim=-1)
    flat = images.reshape(-1, *images.shape[-3:])
    grid = grid.reshape(-1, rows, cols, 2).to(images.dtype)
    level = flat[..., :1, :1]
    moved = grid_sample(flat - level, grid, padding_mode="border", align_corners=True)
    return (moved + level).view_as(images)


def _nearest(images: Coordinates, x: Coordinates, y: Coordinates) -> Coordinates:
    return _pick(images, (y.round() * images.shape[-1] + x.round()).long())


def _pick(
    images: Coordinates, index: Int[torch.Tensor, "*field row col"], offset: int = 0
) -> Coordinates:
    """Of each image of a field, the pixels numbered `index` + `offset` in reading order."""
    pixels = images.flatten(-2)[..., offset:]
    index = index.flatten(-2).unsqueeze(-2).expand(*images.shape[:-2], -1)
    return pixels.gather(-1, index).unflatten(-1, images.shape[-2:])


def _gaussian(images: Coordinates, x: Coordinates, y: Coordinates) -> Coordinates:
    """The kernel is separable: first the sums down the columns, then across them."""
    others, rows, cols = images.shape[-3:]
    columns = images.transpose(-3, -2).flatten(-2)  # (row, others x col)
    down = _weights(y, rows).flatten(-3, -2) @ columns
    across = _weights(x, cols).flatten(-3, -2).unsqueeze(-2)
    summed = down.unflatten(-1, (others, cols)).mul_(across).sum(dim=-1)  # (pixel, others)
    return summed.transpose(-2, -1).unflatten(-1, (rows, cols))


def _weights(position: Coordinates, size: int) -> Coordinates:
    """Weights of the pixels along one axis, normalised, for each position."""
    pixel = torch.arange(size, dtype=position.dtype, device=position.device)
    weights = (position[..., None] - pixel).square_().mul_(-0.5 / _GAUSSIAN_WIDTH**2).exp_()
    return weights.div_(weights.sum(dim=-1, keepdim=True))
