"""Lie derivatives of networks, after Gruver et al. (arXiv 2210.02984).

L_X f (x) = d/dt rho_out(exp(-tX)) f(rho_in(exp(tX)) x) at t = 0, which is J_f(x)[X x] - X f(x).
It is zero for all images exactly where f is equivariant under the one-parameter group of X
(docs/science/lie.md#definition).
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float, Shaped
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from symlearn.measures.lie_action import (
    GENERATORS,
    LAYOUTS,
    STENCIL,
    STENCILS,
    Generator,
    Image,
    Layout,
    MeasureError,
    Size,
    Tokens,
    Vector,
    act,
    check_layout,
    jvp,
)

__all__ = [
    "GENERATORS",
    "LAYOUTS",
    "STENCIL",
    "STENCILS",
    "Generator",
    "Image",
    "Layout",
    "MeasureError",
    "Tokens",
    "Vector",
    "lie_derivative",
    "mean_absolute",
    "mean_square",
    "pixels_per_unit",
]

Images = Float[torch.Tensor, "image channel row col"]
Model = Callable[[torch.Tensor], torch.Tensor]


def lie_derivative(
    model: Model,
    images: Shaped[torch.Tensor, "..."],
    generator: str | Generator,
    stencil: str = STENCIL,
    *,
    output: str | Layout | None = None,
    units: str = "normalised",
) -> Float[torch.Tensor, "image ..."]:
    """The Lie derivative of a network at each image, of the shape of the network's output.

    `images` (image, channel, row, col) of any floating type and device; the network must treat
    them one by one. `generator` is a name in GENERATORS. Stencils: "forward" is the released
    code's derivative, rounding included (backward at pixels whose centre is rounded downwards),
    "forward-exact" the same without rounding, "central" what finite differences of the same
    resampling converge to, and "spectral" exact for periodic band-limited images. `output`
    states how the output is laid out, as a Layout or a name in LAYOUTS; an output (image, output)
    is taken for a vector without it. `units`: per unit of the normalised coordinates, or per
    displacement of the border by one pixel.

    Raises MeasureError for images, models, generators and outputs that it cannot be taken of.
    Cost: one pass in forward mode, as long as three to five plain ones; no graph is kept.
    """
    chosen = check_generator(generator)
    size = check_images(images, chosen)
    check_model(model)
    if units not in ("normalised", "pixel"):
        raise MeasureError(f"units are 'normalised' or 'pixel', not {units!r}")
    scale = pixels_per_unit(chosen, size) if units == "pixel" else 1.0
    points = images.detach().clone()  # expanded images share memory, which no tangent may
    tangent = act(points, Image(), chosen, stencil, size)
    with torch.no_grad():
        values, pushed = push_forward(model, points, tangent)
        layout = output_layout(output, values, len(images))
        derivative = pushed - act(values, layout, chosen, stencil, size)
    return derivative / scale


def mean_square(derivative: Float[torch.Tensor, "image ..."]) -> Float[torch.Tensor, " image"]:
    """The mean of the squares of each image's entries, as in equation 4 of the paper.

    See docs/science/lie.md#reductions-and-units.
    """
    return derivative.reshape(len(derivative), -1).square().mean(dim=1)


def mean_absolute(derivative: Float[torch.Tensor, "image ..."]) -> Float[torch.Tensor, " image"]:
    """The mean of the absolute values of each image's entries, as in the released code."""
    return derivative.reshape(len(derivative), -1).abs().mean(dim=1)


def pixels_per_unit(generator: Generator, size: Size) -> float:
    """By how many pixels the border moves per unit of a generator's parameter.

    `size` is (rows, columns). Raises MeasureError where there is no such number: for changes of
    intensity, and for moves along both axes of images that are not square.
    """
    rows, cols = size
    moved = {count for count, moves in zip((cols, rows), generator.moves, strict=True) if moves}
    if len(moved) != 1:
        raise MeasureError(
            f"{generator.name} of {rows} x {cols} images has no size in pixels: use normalised "
            "units"
        )
    return (moved.pop() - 1) / 2


def push_forward(
    function: Callable[..., torch.Tensor], points: torch.Tensor, tangent: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """A network's value and directional derivative, by forward-mode differentiation."""
    try:
        with unfused_attention():
            values, pushed = jvp(function, (points,), (tangent,))
    except (NotImplementedError, RuntimeError) as error:
        reason = str(error).split("\n")[0]
        if "to return only tensors" in reason:
            raise MeasureError("the model must return one tensor, and nothing else") from None
        if "forward" not in reason and "autograd.Function" not in reason:
            raise
        raise MeasureError(
            "the model has an operation without a forward-mode derivative; if it is fused "
            "attention, choose the unfused one (timm: set_fused_attn(False) before create_model): "
            + reason
        ) from None
    if not isinstance(values, torch.Tensor):
        raise MeasureError(f"the model must return one tensor, not a {type(values).__name__}")
    return values, pushed


@contextmanager
def unfused_attention() -> Iterator[None]:
    """Attention written out as matrix products: the fused kernels have no second derivative."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def check_generator(generator: str | Generator) -> Generator:
    """The generator of that name."""
    if isinstance(generator, Generator):
        return generator
    if generator not in GENERATORS:
        raise MeasureError(f"no generator is called {generator!r}; there are {_names(GENERATORS)}")
    return GENERATORS[generator]


def check_images(images: Shaped[torch.Tensor, "..."], generator: Generator) -> Size:
    """The size (rows, columns) of images that a generator can act on."""
    if not images.is_floating_point():
        raise MeasureError(
            f"images of {images.dtype} have no derivative: convert them, e.g. images.float() / 255"
        )
    if images.ndim != 4:
        raise MeasureError(
            f"images have the axes (image, channel, row, col), not shape {tuple(images.shape)}"
        )
    rows, cols = images.shape[-2:]
    if any(moves and count < 2 for count, moves in zip((cols, rows), generator.moves, strict=True)):
        raise MeasureError(
            f"{generator.name} needs two pixels along each axis, not {rows} x {cols}"
        )
    if generator.square and rows != cols:
        raise MeasureError(f"{generator.name} needs square images, not {rows} x {cols}")
    return rows, cols


def check_model(model: Model) -> None:
    """Raises MeasureError for networks with a module in training mode."""
    if isinstance(model, nn.Module):
        training = [name for name, module in model.named_modules() if module.training]
        if training:
            where = f"its module {training[0]!r}" if training[0] else "it"
            raise MeasureError(f"the model must be in evaluation mode, but {where} is in training")


def output_layout(output: str | Layout | None, values: torch.Tensor, images: int) -> Layout:
    """The layout of a network's output, as stated by the caller."""
    if values.ndim == 0 or len(values) != images:
        raise MeasureError(
            f"the model made an output of shape {tuple(values.shape)} of {images} images: its "
            "first axis must be the image"
        )
    if output is None and values.ndim > 2:
        raise MeasureError(
            f"the layout of an output of shape {tuple(values.shape)} is unknown: state "
            f"output={' or '.join(map(repr, LAYOUTS))}, or a Layout with the axes"
        )
    if isinstance(output, str) and output not in LAYOUTS:
        raise MeasureError(f"no layout is called {output!r}; there are {_names(LAYOUTS)}")
    layout = LAYOUTS[output or "vector"] if output is None or isinstance(output, str) else output
    check_layout(layout, values.shape)
    return layout


def _names(known: Iterable[str]) -> str:
    return ", ".join(known)
