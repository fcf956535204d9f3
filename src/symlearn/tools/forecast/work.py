"""How much work a cell is: its kind, its amount, and the numbers that it holds.

Jobs of one kind differ in amount alone, in a unit of the kind's own. The amounts are those of the
algorithms (what each costs is in its docstring), so that small jobs predict large ones.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from symlearn.counting import orbits_shape, stripe_training, study_of_kernels
from symlearn.jobs import products_of_an_entry
from symlearn.menu.layers import (
    Convolution,
    Dense,
    GlobalAveragePool,
    Layers,
    RadialBasis,
    has_closed_form,
    is_of_tokens,
    layers_of,
    products_of_tokens,
)
from symlearn.pipeline.specs import Cell
from symlearn.tools.forecast import training


@dataclass(frozen=True)
class Work:
    """What a job has to do.

    `values` is how many numbers it holds, which sets its memory and the size of its file.
    """

    kind: str
    amount: float = 0.0
    values: float = 0.0
    threads: int = 1
    gpus: int = 0

    @property
    def stage(self) -> str:
        """The stage of the kind, its first word."""
        return self.kind.split()[0]


def work_of(cell: Cell) -> Work:
    """The work of a job; a stage without an entry in `WORK` has a kind but no amount.

    Parts share a kind, and their amounts and values add up.
    """
    each = [WORK.get(part.stage, _unknown)(part) for part in cell.makes]
    amount, values = sum(work.amount for work in each), sum(work.values for work in each)
    return replace(each[0], amount=amount, values=values)


def counts_networks(cell: Cell) -> bool:
    """Whether the work of a job goes by its trained networks, which takes seconds to count."""
    return cell.stage == "networks" or any(read.stage == "networks" for read in cell.reads)


def _unknown(cell: Cell) -> Work:
    return Work(cell.stage)


def _dataset(cell: Cell) -> Work:
    return Work(f"datasets {cell.settings['name']}")


def _kernel(cell: Cell) -> Work:
    """One entry for each pair of points up to symmetry, of a cost set by the architecture."""
    (orbits,) = cell.inputs
    shape = orbits_shape(orbits)
    layers = layers_of(cell.settings["architecture"])
    kind, cost = _entry(layers, shape.pixels, cell.settings["precision"])
    return Work(f"kernels {kind}", cost * shape.distinct_entries, shape.entries)


def _entry(layers: Layers, pixels: int, precision: str) -> tuple[str, float]:
    """The kind of kernel, and what one entry costs relative to others of its kind."""
    if isinstance(layers[0], RadialBasis):
        return "rbf", float(pixels)
    double = 2 if precision == "float64" else 1  # the bytes of a number, relative
    if is_of_tokens(layers):
        kind = "tokens" if precision == "float64" else "neural-tangents tokens"
        return kind, products_of_tokens(layers, pixels)
    convolutions = sum(isinstance(layer, Convolution) for layer in layers)
    if not convolutions:
        return "mlp", double * (pixels / 100 + sum(isinstance(layer, Dense) for layer in layers))
    pooled = any(isinstance(layer, GlobalAveragePool) for layer in layers)
    readout, sums = ("pooled", float(pixels**2)) if pooled else ("flattened", float(pixels))
    # As in `kernels.infinite_width`: in 32 bits nothing is worked out in closed form.
    if precision == "float64" and has_closed_form(layers):
        return f"closed-form {readout}", sums
    return f"neural-tangents {readout}", double * convolutions * sums


def _study(cell: Cell) -> Work:
    """Factorisations of Gram matrices, passes of trained networks; of orbits alone, their pixels.

    A study of networks has the number of images in its setting `images`, and where it deforms
    them, their `draws`.
    """
    module = cell.settings["module"]
    kind = f"studies {module}"
    if module in _STRIPE:
        return Work(kind, _STRIPE[module](cell.settings))
    if module == _SELF_SUPERVISED:
        return Work(kind, _self_supervised(cell))
    trained = [read for read in cell.inputs if read.stage == "networks"]
    if trained and "images" in cell.settings:
        passes = _passes(cell.settings)
        return Work(kind, passes * cell.settings["images"] * sum(map(training.one_pass, trained)))
    kernels = [read for read in cell.inputs if read.stage == "kernels"]
    if not kernels:
        sizes = (orbits_shape(read) for read in cell.inputs if read.stage == "orbits")
        return Work(kind, values=float(sum(size.points * size.pixels for size in sizes)))
    entries = orbits_shape(kernels[0].inputs[0]).entries
    return Work(kind, study_of_kernels(cell), entries * len(kernels))


def _stripe_kernel(settings: Mapping[str, Any]) -> float:
    return float(sum(runs["seeds"] * runs["points"] ** 2 for runs in settings["runs"]))


_STRIPE: Mapping[str, Callable[[Mapping[str, Any]], float]] = {
    "stability.stripe_training": stripe_training,
    "stability.stripe_kernel": _stripe_kernel,
}


_SELF_SUPERVISED = "orbits.self_supervised"
# Dense systems that each labelled orbit in turn asks for: of all orbits, and of the full ones
# beside one for each gain. And what a kernel's product, of pixels or of tokens, takes in products
# of dense algebra.
_OF_ALL, _OF_FULL = 7, 7
_OF_PIXELS, _OF_TOKENS = 5, 2


def _self_supervised(cell: Cell) -> float:
    """The products of dense systems, and of the kernels of images that are changed."""
    orbits = cell.inputs[1]
    shape, task = orbits_shape(orbits), orbits.settings["task"]
    classes, seeds = len(task["classes"]), task["seeds_per_class"]
    full = shape.points * (classes - 1) * (seeds - 1) / (classes * seeds)
    every = full + shape.points / seeds
    gains = cell.settings["gains"]
    systems = classes * (_OF_ALL * every**3 + (_OF_FULL + len(gains)) * full**3)
    # One kernel for each gain, and one of another group's orbits beside the labelled ones.
    kernels = sum(gain > 0 for gain in gains) + (1 + 1 / seeds) ** 2
    layers = layers_of(cell.settings["architecture"])
    entry = products_of_an_entry(layers, shape.pixels, exact=True)
    entry *= _OF_TOKENS if is_of_tokens(layers) else _OF_PIXELS
    return shape.tasks * (systems + kernels * shape.points**2 / 2 * entry)


def _passes(settings: Mapping[str, Any]) -> int:
    """How many sets of images a study of networks measures: deformed or shifted ones, and plain."""
    shifted = len(settings.get("shifts", ())) * len(settings.get("shift_strengths", ()))
    # Of deformations of many sizes, with two interpolations and before and after training.
    sizes = len(settings.get("displacements", ())) * len(settings.get("cutoffs", ()))
    grid = 4 * sizes or 1
    return grid * (1 + 2 * settings.get("draws", 0)) + shifted


def _networks(cell: Cell) -> Work:
    """Multiplications of all steps; memory goes with the weights kept for all networks."""
    network = training.trained_network(cell)["kind"]
    return Work(f"networks {network} {cell.settings['problem']['kind']}", training.amount(cell))


def _figure(cell: Cell) -> Work:
    return Work(f"figures {cell.settings['figure']}", values=float(len(cell.inputs)))


# What a cell of each stage is worth. A new stage has a function here; until then its jobs are
# listed as not measured.
WORK: Mapping[str, Callable[[Cell], Work]] = {
    "datasets": _dataset,
    "kernels": _kernel,
    "networks": _networks,
    "studies": _study,
    "figures": _figure,
}
