"""From the config to the cells of work: what each figure needs, and each study computes.

Light on purpose, as `config`: the Snakefile imports it. Studies are found in `symlearn.wings`.
"""

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from symlearn import jobs, wings
from symlearn.config import Config
from symlearn.errors import ConfigError
from symlearn.pipeline.specs import Cell, inputs_first

# Targets that are all figures and then some jobs of their own.
CLOSING: Mapping[str, tuple[str, ...]] = {
    "all": ("claims",),
    "figures": (),
    "claims": ("claims", "claims-check"),
    "gallery": ("claims", "gallery"),
    "bundle": ("claims", "bundle"),
}


def figures(config: Config, wanted: Collection[str] | None = None) -> dict[str, Cell]:
    """The cells of the figures of the chosen preset, by name.

    Raises ConfigError with all that is wrong with what the `wanted` figures need (all, if None); a
    figure that is not wanted is left out where it cannot be made.
    """
    names = figure_names()
    asked = names if wanted is None else [name for name in names if name in wanted]
    keys = {key for name in asked for key in keys_of(name)}
    if faults := config.faults(sorted(keys, key=list(wings.settings()).index)):
        raise ConfigError(f"{config.where}: {'; '.join(faults)}")
    sound = [name for name in names if name in asked or not config.faults(keys_of(name))]
    needed = {study for name in sound for study in wings.needs_of(name)}
    cells = {name: config.call(study) for name, study in wings.studies().items() if name in needed}
    shared = jobs.shared(cells)
    return {name: _figure(config, name, shared) for name in sound}


def wanted(words: Sequence[str]) -> list[str] | None:
    """The figures that a command line names, by themselves or by their files; None for all."""
    names, pairs = figure_names(), zip(["", *words], words, strict=False)
    # `all` after an option is its value, as in `--cores all`.
    targets = [word for before, word in pairs if not before.startswith("-") or word != "all"]
    named = [name for word in targets for name in names if Path(word).name.split(".")[0] == name]
    return None if not named or set(targets) & CLOSING.keys() else named


def keys_of(figure: str) -> list[str]:
    """The keys of a preset whose settings a figure depends on."""
    studies = wings.studies()
    return list(dict.fromkeys(k for s in wings.needs_of(figure) for k in wings.reads(studies[s])))


def all_jobs(roots: Iterable[Cell]) -> list[Cell]:
    """The jobs that make the cells and all that they read, each once, inputs first."""
    return inputs_first((root.job for root in roots), lambda job: job.reads)


def figure_names() -> list[str]:
    """The figures there are, in the order in which they are shown."""
    return sorted((name for wing in wings.wings() for name in wing.figures), key=in_order)


def in_order(figure: str) -> tuple[int, float, str]:
    """The key by which figures are sorted: by topic, those with numbers by number, then by name.

    A figure's supplement follows it.
    """
    number = re.match(r"fig(\d+)", figure)
    return wings.wing_of(figure).rank, float(number[1]) if number else math.inf, figure


def topic(figure: str) -> str:
    """What a figure is about: the title of its wing."""
    return wings.wing_of(figure).title


def _figure(config: Config, name: str, studies: Mapping[str, list[Cell]]) -> Cell:
    needs = wings.needs_of(name).items()
    cells = [cell for need, labels in needs for cell in _matching(studies[need], labels)]
    settings = {
        "figure": name,
        "module": wings.module_of(name),
        "preset": config.preset,
        "context": _context(config, cells),
    }
    return Cell("figures", name, settings, tuple(cells))


def _matching(cells: Iterable[Cell], labels: Mapping[str, Any]) -> Iterator[Cell]:
    return (cell for cell in cells if all(cell.labels.get(k) == v for k, v in labels.items()))


def _context(config: Config, cells: Iterable[Cell]) -> dict[str, Any] | None:
    """What captions say of the data: None for a figure that does not read the preset's."""
    own = config.context.dataset
    read = {job.slug for job in all_jobs(cells) if job.stage == "datasets"}
    if own.name not in read:
        return None
    others = sorted(read - {own.name})
    context = {"dataset": own.described, "classes": own.facts.classes, "seed": config.context.seed}
    return {**context, "others": others} if others else context
