"""How large a cell's work is, counted from its settings: points, entries, steps of training.

Light on purpose: the Snakefile asks for it. No time is measured, so that a config gives the same
numbers on every machine. `symlearn.tools.forecast` turns counts into times.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from symlearn.menu.datasets import Facts, facts_of
from symlearn.menu.groups import GROUPS
from symlearn.papers.orbits.shares import epoch_points
from symlearn.papers.orbits.views import pairs_of_poses
from symlearn.pipeline.specs import Cell

ImageShape = tuple[int, int, int]  # channels, rows, columns


@dataclass(frozen=True)
class OrbitsShape:
    """Of a cell of orbits: tasks, points and exact symmetries of each, pixels of an image."""

    tasks: int
    points: int
    exact: int
    pixels: int

    @property
    def entries(self) -> float:
        """The entries of all Gram matrices of the tasks."""
        return float(self.tasks * self.points**2)

    @property
    def distinct_entries(self) -> float:
        """Those that are left to compute: matrices are symmetric and invariant."""
        return self.entries / (2 * self.exact)


def orbits_shape(orbits: Cell) -> OrbitsShape:
    """The shape of a cell of orbits."""
    task: Mapping[str, Any] = orbits.settings["task"]
    classes = task["classes"]
    count = (classes if isinstance(classes, int) else len(classes)) * task["seeds_per_class"]
    family, n = GROUPS[orbits.settings["group"]], orbits.settings["n"]
    preparation = orbits.settings["preparation"]
    side = facts_of(orbits.inputs[0].settings).side * preparation["upsampling"]
    return OrbitsShape(
        task["stop"] - task["start"],
        count * family.order(n),
        family.exact(n),
        (side + 2 * preparation["padding"]) ** 2,
    )


# What goes with the square of the points, in slower routines than the cube, in units of the cube's.
_SQUARE = 300


def study_of_kernels(cell: Cell) -> float:
    """Factorisations of Gram matrices, one for each ridge and task."""
    (kernels, *_) = (read for read in cell.inputs if read.stage == "kernels")
    shape = orbits_shape(kernels.inputs[0])
    ridges = len(cell.settings.get("ridge_factors", [0]))
    return ridges * shape.entries * (shape.points + _SQUARE)


def stripe_training(settings: Mapping[str, Any]) -> float:
    """Units times points, for each step of each training; steps grow with the points."""
    steps = settings["points"] / settings["limits"]["parameters"]
    return float(len(settings["seeds"]) * settings["width"] * settings["points"] * steps)


class Schedule(NamedTuple):
    """How many networks a cell trains, steps of each, and images in a step."""

    networks: int
    steps: int
    batch: int

    @property
    def images(self) -> float:
        """The images that all networks see together, each as often as it is seen."""
        return float(self.networks * self.steps * self.batch)


def schedule(cell: Cell) -> Schedule:
    """What the training of a cell's networks consists of; nothing for an unknown problem."""
    return _SCHEDULES.get(cell.settings["problem"]["kind"], _unknown)(cell)


def image_shape(cell: Cell) -> ImageShape:
    """What the networks of a cell are built for: channels, rows and columns."""
    problem, source, facts = cell.settings["problem"], cell.inputs[0], data_facts(cell)
    preparation = problem.get("preparation") or source.settings["preparation"]
    side = facts.side * preparation["upsampling"] + 2 * preparation["padding"]
    if problem.get("in_coordinates"):  # of the span of a pair's points
        return (1, 1, min(2 * source.settings["n"], side**2))
    return (facts.channels, side, side)


def data_facts(cell: Cell) -> Facts:
    """Those of the data set that the networks' images come from."""
    source = cell.inputs[0]
    data = source.inputs[0] if source.stage == "orbits" else source
    return facts_of(data.settings)


def _unknown(cell: Cell) -> Schedule:
    return Schedule(0, 0, 0)


def _partial_rotations(cell: Cell) -> Schedule:
    problem, facts = cell.settings["problem"], data_facts(cell)
    each = (problem["images"] or facts.images) // facts.classes
    points = epoch_points(each * facts.classes, problem["n"], each)
    return _in_batches(len(problem["members"]), points, cell)


def _classification(cell: Cell) -> Schedule:
    problem = cell.settings["problem"]
    return _in_batches(len(problem["seeds"]), problem["train"], cell)


def _classes(cell: Cell) -> Schedule:
    orbits, problem = cell.inputs[0].settings, cell.settings["problem"]
    seeds = orbits["task"]["seeds_per_class"]
    points = (len(orbits["task"]["classes"]) * orbits["n"] - 1) * seeds
    return _in_batches(len(problem["left_out"]), points, cell)


def _views(cell: Cell) -> Schedule:
    """A batch is of pairs, of two images each."""
    task, problem = cell.inputs[0].settings["task"], cell.settings["problem"]
    networks = (task["stop"] - task["start"]) * len(problem["partial"])
    n, joint = cell.inputs[0].settings["n"], problem["joint"]
    pairs = pairs_of_poses(len(task["classes"]), task["seeds_per_class"], n, joint=joint)
    return _in_batches(networks, pairs, cell)


def _single_orbits(cell: Cell) -> Schedule:
    orbits, problem = cell.inputs[0].settings, cell.settings["problem"]
    task = orbits["task"]
    networks = (task["stop"] - task["start"]) * len(problem["partial"])
    return _in_batches(networks, len(task["classes"]) * orbits["n"] - 1, cell)


def _pairs(cell: Cell) -> Schedule:
    orbits, problem = cell.inputs[0].settings, cell.settings["problem"]
    tasks = orbits["task"]["stop"] - orbits["task"]["start"]
    steps = cell.settings["recipe"]["epochs"] * problem["steps"]
    return Schedule(2 * tasks * problem["seeds"], steps, 2 * orbits["n"] - 1)


# How long the trainings of each problem are. A new problem has a function here; until then its
# trainings are not counted, and cost the most of their stage.
_SCHEDULES: Mapping[str, Callable[[Cell], Schedule]] = {
    "partial-rotations": _partial_rotations,
    "classification": _classification,
    "classes": _classes,
    "pairs": _pairs,
    "pairs-of-views": _views,
    "single-orbits": _single_orbits,
}


def _in_batches(networks: int, points: int, cell: Cell) -> Schedule:
    """Epochs of whole batches, of so many points."""
    recipe = cell.settings["recipe"]
    batch = min(recipe["batch"], points)
    return Schedule(networks, recipe["epochs"] * (points // batch), batch)
