"""Which cells share a job: short ones do, so that a run is not spent on starting programs.

Cells that name the same word in `together` are put into one job after the other, until the work
counted from their settings fills it; a long cell has a job of its own. One more cell of a grid
thus remakes the short ones that it shares a job with, and no long one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from math import inf, prod
from typing import Any

from symlearn.counting import (
    image_shape,
    orbits_shape,
    schedule,
    stripe_training,
    study_of_kernels,
)
from symlearn.menu.layers import (
    Convolution,
    GlobalAveragePool,
    Layers,
    RadialBasis,
    has_closed_form,
    is_of_tokens,
    layers_of,
    products_of_tokens,
)
from symlearn.pipeline.specs import IN_PLACE, STAGES, Cell, inputs_first

Key = tuple[str, str]  # a cell's stage, and its name apart from jobs

# Multiplications, roughly, that fill a job: about half a minute on a core.
FULL = 4e11

# Rough costs in multiplications. An entry of a Gram matrix: of a pair of pixels in closed form
# (benchmarks/README.md counts them), of a layer's angle, and what neural-tangents takes in place of
# one. A network that is not dense: of a pixel, as small ones take; training passes thrice.
_PAIR_OF_PIXELS, _ANGLE, _NEURAL_TANGENTS = 27, 300, 20
_PIXEL_OF_A_NETWORK, _PASSES = 2000, 3
_STRIPE, _STRIPE_UNIT = "stability.stripe_training", 200


def shared(studies: Mapping[str, Sequence[Cell]]) -> dict[str, list[Cell]]:
    """The cells of studies, each with the job that it is within where it shares one.

    What a long cell reads shares no job either: it would be another file after one more cell.
    """
    roots = (cell for cells in studies.values() for cell in cells)
    order = {_key(cell): cell for cell in inputs_first(roots, lambda cell: cell.inputs)}
    alone = {
        _key(read) for cell in order.values() if FULL < counted(cell) < inf for read in cell.inputs
    }
    made: dict[Key, Cell] = {}
    for stage in (*IN_PLACE, *STAGES):
        groups: dict[Any, list[Key]] = {}
        for key, cell in order.items():
            if cell.stage == stage:
                word = key if key in alone or not cell.together else cell.together
                groups.setdefault(word, []).append(key)
        for keys in groups.values():
            made |= _in_jobs({key: _reading(order[key], made) for key in keys})
    return {name: [made[_key(cell)] for cell in cells] for name, cells in studies.items()}


def counted(cell: Cell) -> float:
    """The multiplications of a cell, roughly; without bound where they are not counted."""
    return _COUNTS.get(cell.stage, _uncounted)(cell)


def _key(cell: Cell) -> Key:
    return cell.stage, cell.name


def _reading(cell: Cell, made: Mapping[Key, Cell]) -> Cell:
    """The cell with its inputs as they were put into jobs; data sets come before all stages."""
    return replace(cell, inputs=tuple(made.get(_key(read), read) for read in cell.inputs))


def _in_jobs(cells: Mapping[Key, Cell]) -> dict[Key, Cell]:
    """Cells that may share jobs, each with its own, filled with the least work first."""
    batches: list[list[Key]] = [[]]
    so_far = 0.0
    for key in sorted(cells, key=lambda key: (counted(cells[key]), key)):
        work = counted(cells[key])
        if batches[-1] and so_far + work > FULL:
            batches.append([])
            so_far = 0.0
        batches[-1].append(key)
        so_far += work
    made: dict[Key, Cell] = {}
    for number, keys in enumerate(batches):
        job = _job([cells[key] for key in keys], number)
        made |= {key: replace(cells[key], within=job if job.parts else None) for key in keys}
    return made


def _job(parts: list[Cell], number: int) -> Cell:
    """The job of some cells: of one, the cell itself."""
    first = parts[0]
    if len(parts) == 1:
        return first
    if len({part.slug for part in parts}) < len(parts):
        raise ValueError(f"two cells that share a job have the slug {first.slug}")
    slug = f"{first.together}-{number}" if number else first.together
    return Cell(first.stage, slug, {}, parts=tuple(parts))


def _kernel(cell: Cell) -> float:
    (orbits,) = cell.inputs
    shape = orbits_shape(orbits)
    layers = layers_of(cell.settings["architecture"])
    exact = cell.settings["precision"] == "float64"
    return shape.distinct_entries * products_of_an_entry(layers, shape.pixels, exact)


def products_of_an_entry(layers: Layers, pixels: int, exact: bool) -> float:
    """The multiplications of an entry, roughly."""
    if is_of_tokens(layers):
        return products_of_tokens(layers, pixels) * (1 if exact else _NEURAL_TANGENTS)
    convolutions = sum(isinstance(layer, Convolution) for layer in layers)
    if isinstance(layers[0], RadialBasis) or not convolutions:
        return float(pixels + _ANGLE * len(layers))
    pooled = any(isinstance(layer, GlobalAveragePool) for layer in layers)
    sums = float(_PAIR_OF_PIXELS * (pixels**2 if pooled else pixels))
    return sums if exact and has_closed_form(layers) else _NEURAL_TANGENTS * convolutions * sums


def _networks(cell: Cell) -> float:
    images = schedule(cell).images
    each = _PASSES * _one_image(cell.settings["network"], prod(image_shape(cell)))
    return images * each if images else inf


def _one_image(network: Mapping[str, Any], pixels: int) -> float:
    """The multiplications of an image in a network, roughly; of dense layers, closely."""
    match network:
        case {"network": inner, "n": n}:
            return n * _one_image(inner, pixels)
        case {"network": inner}:  # of two views
            return 2 * _one_image(inner, pixels)
        case {"widths": widths}:
            sizes = [pixels, *widths]
            lifted = network.get("n", 1)  # of a group: the first layer acts on every pose
            return lifted * sum(a * b for a, b in pairwise(sizes))
        case {"kind": "ntk", "width": width}:
            return pixels * width
    return pixels * _PIXEL_OF_A_NETWORK


def _study(cell: Cell) -> float:
    if cell.settings.get("module") == _STRIPE:
        return _STRIPE_UNIT * stripe_training(cell.settings)
    if any(read.stage == "kernels" for read in cell.inputs):
        return study_of_kernels(cell)
    return inf


def _uncounted(_: Cell) -> float:
    return inf


_COUNTS: Mapping[str, Callable[[Cell], float]] = {
    "kernels": _kernel,
    "networks": _networks,
    "studies": _study,
}
