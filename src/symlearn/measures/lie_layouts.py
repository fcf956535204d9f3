"""Where the rows and columns of an image are in what a network makes of it.

Any choice of layouts gives terms that add up to the same whole; it decides only which operation a
term belongs to. Layouts are followed through the network rather than read off shapes, by running
each operation that moves entries about on the entries' own rows and columns
(docs/science/lie.md#layouts).
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch.utils._pytree import tree_flatten

from symlearn.measures.lie_action import Image, Layout, Size, Tokens, Vector

Places = Float[torch.Tensor, "..."]

# Operations whose output entries are entries of their inputs, or means or sums of them.
_MOVES = """
    H T adjoint cat chunk clone concat concatenate contiguous expand expand_as flatten flip
    getitem mH mT mean movedim moveaxis narrow permute pixel_shuffle pixel_unshuffle repeat
    reshape reshape_as roll select split split_with_sizes squeeze stack sum swapaxes swapdims t
    tensor_split tile to transpose type unbind unflatten unfold unsqueeze view view_as
"""
MOVES = frozenset(_MOVES.split())


def follow(
    name: str,
    function: Callable[[list[Any]], list[torch.Tensor]],
    arguments: list[Any],
    layout_of: Callable[[torch.Tensor], Layout],
    outputs: Sequence[torch.Tensor],
) -> list[Layout]:
    """The layouts of an operation's outputs, from those of its inputs."""
    if name in MOVES:
        rows, cols = (_moved(function, arguments, layout_of, which) for which in (0, 1))
        return [_found(*places) for places in zip(rows, cols, strict=True)]
    inputs = [leaf for leaf in arguments if isinstance(leaf, torch.Tensor)]
    return [_kept(inputs, layout_of, output.shape) for output in outputs]


def floating(result: Any) -> list[torch.Tensor]:
    """The floating tensors of an operation's result, in order."""
    leaves, _ = tree_flatten(result)
    return [x for x in leaves if isinstance(x, torch.Tensor) and x.is_floating_point()]


def _kept(
    inputs: Sequence[torch.Tensor], layout_of: Callable[[torch.Tensor], Layout], shape: torch.Size
) -> Layout:
    """The first input's layout that the output can have: pixels stay on their axes."""
    for tensor in inputs:
        layout = layout_of(tensor)
        if tensor.ndim != len(shape):
            continue
        if isinstance(layout, Image) and min(shape[layout.row], shape[layout.col]) >= 2:
            return layout
        if isinstance(layout, Tokens) and shape[layout.axis] == tensor.shape[layout.axis]:
            return layout
    return Vector()


def _moved(
    function: Callable[[list[Any]], list[torch.Tensor]],
    arguments: list[Any],
    layout_of: Callable[[torch.Tensor], Layout],
    which: int,
) -> list[Places]:
    """An operation applied to the row (0) or column (1) of each entry instead of its value."""
    places = [
        _places(layout_of(leaf), leaf.shape, which).to(leaf.device)
        if isinstance(leaf, torch.Tensor) and leaf.is_floating_point()
        else leaf
        for leaf in arguments
    ]
    return function(places)


def _places(layout: Layout, shape: torch.Size, which: int) -> Places:
    """Each entry's row or column; NaN where it has none."""
    if isinstance(layout, Vector):
        return torch.full(shape, torch.nan, dtype=torch.float64)
    if isinstance(layout, Image):
        axis = (layout.row, layout.col)[which]
        along = torch.arange(shape[axis], dtype=torch.float64)
    else:
        axis = layout.axis
        rows, cols = _token_size(layout, shape)
        pixel = torch.arange(rows * cols, dtype=torch.float64)
        along = pixel // cols if which == 0 else pixel % cols
        along = torch.cat([torch.full((layout.extra,), torch.nan, dtype=torch.float64), along])
    return along.reshape([-1 if i == axis else 1 for i in range(len(shape))]).expand(shape).clone()


def _token_size(layout: Tokens, shape: torch.Size) -> Size:
    if layout.size is not None:
        return layout.size
    side = round((shape[layout.axis] - layout.extra) ** 0.5)
    return side, side


def _found(rows: Places, cols: Places) -> Layout:
    """The layout of entries with these rows and columns."""
    row, col = _main_axis(rows), _main_axis(cols)
    if row is None or col is None:
        return Vector()
    if row == col:
        return _raster(row, _along(rows, row), _along(cols, col))
    whole = all(
        _along(places, axis).isfinite().all() for places, axis in ((rows, row), (cols, col))
    )
    return Image(row, col) if whole else Vector()


def _main_axis(places: Places) -> int | None:
    """The axis along which the place varies most; within patches it varies less."""
    spans = []
    for axis in range(places.ndim):
        along = _along(places, axis)
        along = along[along.isfinite()]
        spans.append(float(along.max() - along.min()) if len(along) else 0.0)
    widest = max(spans, default=0.0)
    return spans.index(widest) if widest > 0 else None


def _along(places: Places, axis: int) -> Float[torch.Tensor, " entry"]:
    return places.movedim(axis, 0).flatten(1).nanmean(dim=1) if places.ndim > 1 else places


def _raster(
    axis: int, row: Float[torch.Tensor, " entry"], col: Float[torch.Tensor, " entry"]
) -> Layout:
    """Tokens, if the pixels of an axis are in order, row by row, after those without a place."""
    extra = int(row.isnan().int().cumprod(0).sum())
    row, col = row[extra:], col[extra:]
    rows, cols = row.unique(), col.unique()
    ordered = (
        len(rows) * len(cols) == len(row)
        and bool((row == rows.repeat_interleave(len(cols))).all())
        and bool((col == cols.repeat(len(rows))).all())
    )
    return Tokens(axis, extra, (len(rows), len(cols))) if ordered else Vector()
