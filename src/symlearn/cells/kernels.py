"""The studies of the kernel regime: figures 2 to 10."""

from symlearn.cells.frame import (
    dataset_cell,
    grid_cells,
    kernel_cell,
    pair_grid,
    portrait_orbits,
    study_cell,
)
from symlearn.config import Config
from symlearn.settings import Pairs, Shifts
from symlearn.specs import Cell

_PORTRAIT_N = 4  # the symmetries of a square: eight poses fit into a panel


def rings(config: Config) -> list[Cell]:
    """Two rings of points (figures 2 and 3)."""
    return [study_cell("rings", (), config.chosen.rings.model_dump(), {})]


def _pairs(config: Config, study: Pairs, ridge_factors: list[float]) -> list[Cell]:
    settings = {"ridge_factors": ridge_factors}
    return [
        study_cell("pairs", [kernel_cell(config, orbits, architecture), orbits], settings, labels)
        for orbits, architecture, labels in pair_grid(config.chosen, study)
    ]


def rotations(config: Config) -> list[Cell]:
    """Pairs under rotations (figures 4, 5 and 9)."""
    return _pairs(config, config.chosen.rotations, [0.0])


def dihedral(config: Config) -> list[Cell]:
    """Pairs under rotations and reflections (figure 8)."""
    return _pairs(config, config.chosen.dihedral, [0.0])


def shifts(config: Config) -> list[Cell]:
    """Pairs under cyclic shifts, with ridges (figure 7)."""
    study: Shifts = config.chosen.shifts
    return _pairs(config, study, study.ridge_factors)


def speed(config: Config) -> list[Cell]:
    """What kernels, theory, training and jobs cost, by their sizes."""
    preset, study = config.chosen, config.chosen.speed.model_dump()
    axes = {name: study[name] for name in ("n", "pairs", "padding", "width")}
    settings = {
        "axes": axes,
        "base": {name: values[0] for name, values in axes.items()},
        "jobs": study["jobs"],
        "cores": study["cores"],
        "dense": config.architecture("mlp-1"),
        "convolutional": config.architecture("cnn-gap-3"),
        "builds": ["ntk"],
        "seed": preset.seed,
    }
    return [study_cell("speed", [dataset_cell(preset.dataset.name)], settings, {})]


def collapse(config: Config) -> list[Cell]:
    """The portrait's two images in all poses, in the space of each kernel, at the largest n."""
    study = config.chosen.shifts
    orbits = portrait_orbits(config, study.group, max(study.n))
    return [
        study_cell("collapse", [kernel_cell(config, orbits, name)], {}, {"architecture": name})
        for name in study.architectures
    ]


def portrait(config: Config) -> list[Cell]:
    """Orbits of two images, for pictures (figure 4)."""
    orbits = portrait_orbits(config, config.chosen.rotations.group, config.chosen.portrait.poses)
    return [study_cell("portrait", [orbits], {}, {})]


def dihedral_portrait(config: Config) -> list[Cell]:
    """The same under the symmetries of a square (figure 8)."""
    study = config.chosen.dihedral
    orbits = portrait_orbits(config, study.group, _PORTRAIT_N)
    return [study_cell("portrait", [orbits], {}, {})]


def seeds(config: Config) -> list[Cell]:
    """Several seeds of each of two classes (figure 6)."""
    preset, study = config.chosen, config.chosen.seeds
    task = {"draw": "seeds", "classes": 2, "seeds_per_class": study.seeds_per_class}
    return [
        study_cell("seeds", [kernel_cell(config, orbits, architecture)], {}, labels)
        for orbits, architecture, labels in grid_cells(
            preset, study, task, study.draws, study.chunk
        )
    ]


def classes(config: Config) -> list[Cell]:
    """Several seeds of ten classes (figure 6)."""
    preset, study = config.chosen, config.chosen.classes
    task = {
        "draw": "classes",
        "classes": list(range(10)),
        "seeds_per_class": study.seeds_per_class,
    }
    return [
        study_cell("classes", [kernel_cell(config, orbits, architecture)], {}, labels)
        for orbits, architecture, labels in grid_cells(preset, study, task, count=1, chunk=1)
    ]


def precision(config: Config) -> list[Cell]:
    """Pairs in 32 and in 64 bits (figure 10)."""

    def kernels(orbits: Cell, architecture: str) -> list[Cell]:
        return [kernel_cell(config, orbits, architecture, bits) for bits in ("float64", "float32")]

    return [
        study_cell("precision", kernels(orbits, architecture), {}, labels)
        for orbits, architecture, labels in pair_grid(config.chosen, config.chosen.precision)
    ]
