"""The wings of the house: one for each paper, found by its folder in `symlearn.papers`.

A wing has `settings` (what its studies can be set to, and checks of what must fit together),
`cells` (what its studies compute), a module for each computation, `figures`, `claims.yaml`
and, for the findings of its paper, `account.yaml`.
Wings are found by name, so that one that is added stands in no list, and no result depends on it.
"""

import ast
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel

from symlearn.menu.values import Closed, Faults
from symlearn.pipeline.closure import PACKAGE, ROOT
from symlearn.pipeline.specs import Cell

Study = Callable[..., list[Cell]]
Check = Callable[..., Faults]

PAPERS = ROOT / "papers"
_CONTEXT = "context"  # the argument of studies and checks that is no settings


@dataclass(frozen=True)
class Wing:
    """One paper: its settings by the keys of a preset, studies, checks and figures by name."""

    name: str
    title: str
    rank: int
    settings: Mapping[str, type[BaseModel]]
    studies: Mapping[str, Study]
    checks: tuple[Check, ...]
    figures: tuple[str, ...]

    @property
    def claims(self) -> Path:
        """What its figures must show."""
        return PAPERS / self.name / "claims.yaml"

    @property
    def account(self) -> Path:
        """The words on its paper's findings; a wing without a paper has no such file."""
        return PAPERS / self.name / "account.yaml"


@cache
def wings() -> tuple[Wing, ...]:
    """All wings, in the order in which their figures are shown."""
    names = sorted(path.parent.name for path in PAPERS.glob("*/settings.py"))
    return tuple(sorted(map(_wing, names), key=lambda wing: wing.rank))


def settings() -> dict[str, type[BaseModel]]:
    """The settings of all studies, by the keys of a preset."""
    return {key: model for wing in wings() for key, model in wing.settings.items()}


def studies() -> dict[str, Study]:
    """All studies, by the name that figures ask for."""
    return {name: study for wing in wings() for name, study in wing.studies.items()}


def checks() -> list[Check]:
    """All checks of what must fit together."""
    return [check for wing in wings() for check in wing.checks]


def reads(function: Study | Check) -> list[str]:
    """The keys of a preset whose settings a study or a check reads: the names of its arguments."""
    return [name for name in inspect.signature(function).parameters if name != _CONTEXT]


def wing_of(figure: str) -> Wing:
    """The wing of a figure; raises ValueError for a name that is none."""
    for wing in wings():
        if figure in wing.figures:
            return wing
    raise ValueError(f"{figure} is no figure: no wing has a module of that name with NEEDS")


def needs_of(figure: str) -> dict[str, dict[str, Any]]:
    """The constant NEEDS of a figure's module, read without importing it."""
    return _needs(PAPERS / wing_of(figure).name / "figures" / f"{_stem(figure)}.py") or {}


def module_of(figure: str) -> str:
    """The module of a figure, below `symlearn.papers`."""
    return f"{wing_of(figure).name}.figures.{_stem(figure)}"


def _wing(name: str) -> Wing:
    parts = (import_module(f"{PACKAGE}.papers.{name}.{part}") for part in ("settings", "cells"))
    own, cells = parts
    model: type[Closed] = own.Settings
    fields = {key: field.annotation for key, field in model.model_fields.items()}
    modules = sorted((PAPERS / name / "figures").glob("*.py"))
    figures = [_named(path.stem) for path in modules if _needs(path) is not None]
    return Wing(
        name=name,
        title=model.title,  # type: ignore[attr-defined]
        rank=model.rank,  # type: ignore[attr-defined]
        settings=fields,  # type: ignore[arg-type]
        studies={_named(function.__name__): function for function in _public(cells)},
        checks=tuple(_public(own)),
        figures=tuple(figures),
    )


def _public(module: ModuleType) -> Iterable[Callable[..., Any]]:
    """The functions that a module defines for others."""
    for name, found in vars(module).items():
        own = inspect.isfunction(found) and found.__module__ == module.__name__
        if own and not name.startswith("_"):
            yield found


def _named(module: str) -> str:
    return module.replace("_", "-")


def _stem(figure: str) -> str:
    return figure.replace("-", "_")


@cache
def _needs(path: Path) -> dict[str, dict[str, Any]] | None:
    """NEEDS of a module; None for one without it, which figures share."""
    source = path.read_text(encoding="utf-8")
    if "\nNEEDS" not in source:
        return None
    for node in ast.parse(source).body:
        match node:
            case ast.AnnAssign(target=ast.Name(id="NEEDS"), value=ast.Dict() as value):
                return ast.literal_eval(value)
    return None
