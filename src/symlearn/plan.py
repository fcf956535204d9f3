"""From the config to the cells of work: what each figure needs, and each study computes.

Light on purpose, as `config`: the Snakefile imports it. The studies' cells are made in
`symlearn.cells`.
"""

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from symlearn.cells import invariance, kernels, lie, networks, stability
from symlearn.closure import ROOT
from symlearn.config import Config
from symlearn.specs import Cell

# What figures are about, by the first word of their names.
TOPICS = {
    "fig": "Partially observed orbits",
    "stability": "Relative stability",
    "stripe": "Relative stability",
    "invariance": "Genuine invariance",
    "lie": "The Lie derivative",
    "speed": "Speed",
}
OTHER_TOPIC = "Other"
STAGES = ("datasets", "orbits", "kernels", "networks", "studies", "figures", "claims")


def figures(config: Config) -> dict[str, Cell]:
    """The cell of every figure of the chosen preset, by name."""
    studies = {name: study(config) for name, study in STUDIES.items()}
    found = {}
    for name in figure_names():
        needs = needs_of(name).items()
        cells = [cell for need, labels in needs for cell in _matching(studies[need], labels)]
        settings = {"figure": name, "preset": config.preset, "context": _context(config, cells)}
        found[name] = Cell("figures", name, settings, tuple(cells))
    return found


def all_cells(roots: Iterable[Cell]) -> list[Cell]:
    """The cells and all that they read, each once, inputs first."""
    seen: dict[str, Cell] = {}

    def visit(cell: Cell) -> None:
        key = f"{cell.stage}/{cell.name}"
        if key not in seen:
            for other in cell.inputs:
                visit(other)
            seen[key] = cell

    for root in roots:
        visit(root)
    return list(seen.values())


def figure_names() -> list[str]:
    """The figures there are: the modules of `symlearn.figures` that have NEEDS, numbered first."""
    stems = [path.stem for path in (ROOT / "figures").glob("*.py")]
    names = [stem.replace("_", "-") for stem in stems if _needs(stem) is not None]
    return sorted(names, key=in_order)


def in_order(figure: str) -> tuple[int, int, str]:
    """The key by which figures are sorted: by topic, those with numbers by number, then by name."""
    numbered = figure.startswith("fig")
    return topics().index(topic(figure)), len(figure) if numbered else 0, figure


def topic(figure: str) -> str:
    """What a figure is about, by the first word of its name: OTHER_TOPIC where it is not known."""
    return TOPICS.get(figure.rstrip("0123456789").partition("-")[0], OTHER_TOPIC)


def topics() -> list[str]:
    """All topics, in the order in which figures are shown."""
    return [*dict.fromkeys(TOPICS.values()), OTHER_TOPIC]


def needs_of(figure: str) -> dict[str, dict[str, Any]]:
    """The constant NEEDS of a figure's module, read without importing it."""
    needs = _needs(figure.replace("-", "_"))
    if needs is None:
        raise ValueError(f"symlearn.figures.{figure} has no annotated constant NEEDS")
    return needs


@cache
def _needs(module: str) -> dict[str, dict[str, Any]] | None:
    tree = ast.parse((ROOT / "figures" / f"{module}.py").read_text())
    for node in tree.body:
        match node:
            case ast.AnnAssign(target=ast.Name(id="NEEDS"), value=ast.Dict() as value):
                return ast.literal_eval(value)
    return None


def _matching(cells: Iterable[Cell], labels: Mapping[str, Any]) -> Iterator[Cell]:
    return (cell for cell in cells if all(cell.labels.get(k) == v for k, v in labels.items()))


def _context(config: Config, cells: Iterable[Cell]) -> dict[str, Any] | None:
    """What captions say of the data: None for a figure that does not read the preset's."""
    own = config.chosen.dataset
    read = {cell.slug for cell in all_cells(cells) if cell.stage == "datasets"}
    if own.name not in read:
        return None
    others = sorted(read - {own.name})
    context = {"dataset": own.model_dump(), "seed": config.chosen.seed}
    return {**context, "others": others} if others else context


# The cells of each study, by the name that figures ask for.
STUDIES: Mapping[str, Callable[[Config], list[Cell]]] = {
    "rings": kernels.rings,
    "portrait": kernels.portrait,
    "rotations": kernels.rotations,
    "seeds": kernels.seeds,
    "classes": kernels.classes,
    "shifts": kernels.shifts,
    "collapse": kernels.collapse,
    "dihedral": kernels.dihedral,
    "dihedral-portrait": kernels.dihedral_portrait,
    "precision": kernels.precision,
    "speed": kernels.speed,
    "partial": networks.partial,
    "long-training": networks.long_training,
    "trained-pairs": networks.trained_pairs,
    "trained-classes": networks.trained_classes,
    "widths": networks.widths,
    "stability-samples": stability.stability_samples,
    "stability": stability.stability,
    "stripe-training": stability.stripe_training,
    "stripe-kernel": stability.stripe_kernel,
    "lie-aliasing": lie.lie_aliasing,
    "invariance": invariance.invariance,
    "invariance-decay": invariance.invariance_decay,
    "invariance-saliency": invariance.invariance_saliency,
    "invariance-partial": invariance.invariance_partial,
    "lie-models": lie.lie_models,
    "lie-layers": lie.lie_layers,
    "lie-partial": lie.lie_partial,
    "lie-published": lie.lie_published,
}

if __name__ == "__main__":
    # The command is in a package of its own, so that this module stays what the Snakefile imports.
    import sys

    from symlearn.forecast.__main__ import main

    sys.exit(main())
