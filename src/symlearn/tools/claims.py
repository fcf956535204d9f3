"""Claims: what each figure must show, against what it shows.

The `claims.yaml` of each wing lists them; the quantities are those that the figures measured and
stored beside what they drew. A claim that fails is shown as failing.
"""

import argparse
import ast
import csv
import html
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import xarray as xr
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from symlearn import wings
from symlearn.errors import ConfigError, StoreError
from symlearn.pipeline import store
from symlearn.pipeline.closure import PACKAGE, ROOT, closure
from symlearn.pipeline.stage import guarded
from symlearn.pipeline.yaml_files import read_yaml
from symlearn.statistics import Measured

Outcome = Literal["holds", "fails", "not run"]
# A preset, as the config may name it.
PlainName = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
_COLUMNS = (
    "id",
    "figure",
    "outcome",
    "expected",
    "measured",
    "uncertainty",
    "claim",
    "source",
    "note",
)


class Expected(BaseModel):
    """One relation: at least, at most, between two values, or near a value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at_least: float | None = None
    at_most: float | None = None
    near: float | None = None
    within: Annotated[float, Field(gt=0)] | None = Field(default=None, description="absolute")
    relative: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _one_relation(self) -> "Expected":
        if self.near is None and self.at_least is None and self.at_most is None:
            raise ValueError("give at_least, at_most or near")
        if (self.near is None) != (self.within is None and self.relative is None):
            raise ValueError("near goes with within or relative")
        return self

    @property
    def tolerance(self) -> float:
        """How far from `near` a value may be."""
        return (
            self.within if self.within is not None else abs(self.near or 0) * (self.relative or 0)
        )

    def holds(self, value: float) -> bool:
        """Whether a value is as expected; NaN never is. A bound met but for rounding is met."""
        if self.near is not None and not _at_most(abs(value - self.near), self.tolerance):
            return False
        if self.at_least is not None and not _at_most(self.at_least, value):
            return False
        return self.at_most is None or _at_most(value, self.at_most)

    def __str__(self) -> str:
        parts = []
        if self.near is not None:
            parts.append(f"{self.near:g} ± {self.tolerance:.2g}")
        if self.at_least is not None:
            parts.append(f"≥ {self.at_least:g}")
        if self.at_most is not None:
            parts.append(f"≤ {self.at_most:g}")
        return ", ".join(parts)


class Claim(BaseModel):
    """One sentence that can be checked, where it comes from, and how it is measured."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    claim: str
    source: str
    figure: str
    quantity: str
    expected: dict[PlainName, Expected]
    note: str = Field(default="", description="why it fails, or why a tolerance is what it is")


@dataclass(frozen=True)
class Verdict:
    """A claim, what was measured, and whether it holds."""

    claim: Claim
    expected: Expected | None
    measured: Measured | None
    outcome: Outcome
    note: str = ""


def load_claims(*paths: Path) -> list[Claim]:
    """The claims of YAML files, one for each wing; raises ConfigError."""
    claims = [claim for path in paths for claim in _load_claims(path)]
    names = [claim.id for claim in claims]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"{paths[-1]}: these ids stand twice: {', '.join(twice)}")
    return claims


def read_measured(files: Sequence[Path]) -> dict[str, dict[str, Measured]]:
    """The quantities that each figure measured, by figure and name; raises StoreError."""
    return {file.stem: _quantities(store.read_group(file, "measured")) for file in files}


def judge(claim: Claim, preset: str, measured: Mapping[str, Mapping[str, Measured]]) -> Verdict:
    """Whether a claim holds.

    Not run where the figure measures such quantities, but not on this config's grid. Raises
    StoreError for a quantity that the figure measures on no grid.
    """
    expected = claim.expected.get(preset)
    if expected is None:
        return Verdict(claim, None, None, "not run")
    there = measured.get(claim.figure, {})
    if claim.quantity not in there:
        if not could_measure(claim.figure, claim.quantity):
            raise StoreError(
                f"claim {claim.id}: {claim.figure} does not measure {claim.quantity!r} on any "
                "grid; name a quantity of the figure"
            )
        note = f"{claim.quantity} is not in this config's grid of {claim.figure}"
        return Verdict(claim, expected, None, "not run", note)
    found = there[claim.quantity]
    return Verdict(claim, expected, found, "holds" if expected.holds(found.value) else "fails")


def could_measure(figure: str, quantity: str) -> bool:
    """Whether a figure gives a quantity such a name on some grid, for all that its source says.

    Names are texts of the figure's module, or of those that it imports from its wing, with values
    in some places: `f"accuracy.{tag}"` gives `accuracy.mlp-1.n8`. Where a name is made of values
    alone, its first word must be a text of what papers compute and measure.
    """
    return any(
        pattern.fullmatch(quantity) and (named or quantity.partition(".")[0] in _words())
        for pattern, named in _names_in(figure)
    )


_ANY = "(?:.+)"


@cache
def _names_in(figure: str) -> list[tuple[re.Pattern[str], bool]]:
    """The names that a figure's source gives, and whether they have a word of their own."""
    try:
        module = f"{PACKAGE}.papers.{wings.module_of(figure)}"
    except ValueError as error:
        raise ConfigError(f"a claim names the figure {figure}: {error}") from None
    sources = [path for path in closure(module) if path.is_relative_to(wings.PAPERS)]
    texts = {text for path in sources for text in _texts(path)}
    return [(re.compile(t), bool(re.search("[a-z]", t.replace(_ANY, "")))) for t in texts]


@cache
def _words() -> frozenset[str]:
    folders = (wings.PAPERS, ROOT / "measures")
    paths = (path for folder in folders for path in folder.rglob("*.py"))
    return frozenset(text for path in paths for text in _texts(path))


def _texts(path: Path) -> Iterator[str]:
    """The texts of a module as regular expressions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.escape(node.value)
        elif isinstance(node, ast.JoinedStr):
            parts = (getattr(part, "value", None) for part in node.values)
            yield "".join(re.escape(p) if isinstance(p, str) else _ANY for p in parts)


def rows(verdicts: Sequence[Verdict]) -> list[dict[str, str]]:
    """The verdicts as a table of text."""
    return [
        {
            "id": verdict.claim.id,
            "figure": verdict.claim.figure,
            "outcome": verdict.outcome,
            "expected": str(verdict.expected or ""),
            "measured": _number(verdict.measured and verdict.measured.value),
            "uncertainty": _number(verdict.measured and verdict.measured.uncertainty),
            "claim": verdict.claim.claim,
            "source": verdict.claim.source,
            "note": verdict.note or verdict.claim.note,
        }
        for verdict in verdicts
    ]


def summary(verdicts: Sequence[Verdict]) -> str:
    """One line that counts the outcomes."""
    counts = Counter(verdict.outcome for verdict in verdicts)
    return f"{counts['holds']} hold, {counts['fails']} fail, {counts['not run']} not run"


def as_text(table: Sequence[Mapping[str, str]]) -> str:
    """The short columns of the table for a terminal."""
    columns = ("id", "figure", "outcome", "expected", "measured", "uncertainty")
    lines = [dict(zip(columns, columns, strict=True)), *table]
    width = {name: max(len(line[name]) for line in lines) for name in columns}
    return "\n".join("  ".join(line[n].ljust(width[n]) for n in columns).rstrip() for line in lines)


def as_markdown(table: Sequence[Mapping[str, str]], heading: str) -> str:
    """The whole table as Markdown."""
    lines = ["| " + " | ".join(_COLUMNS) + " |", "|" + "---|" * len(_COLUMNS)]
    for row in table:
        cells = [row[name].replace("|", "\\|").replace("\n", " ") for name in _COLUMNS]
        lines.append("| " + " | ".join(cells) + " |")
    return f"{heading}\n\n" + "\n".join(lines) + "\n"


def as_html(table: Sequence[Mapping[str, str]], heading: str) -> str:
    """The whole table as a page of its own."""
    head = "".join(f"<th>{name}</th>" for name in _COLUMNS)
    body = "\n".join(
        f'<tr class="{row["outcome"].replace(" ", "-")}">'
        + "".join(f"<td>{html.escape(row[name])}</td>" for name in _COLUMNS)
        + "</tr>"
        for row in table
    )
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Claims</title>\n'
        "<style>body{font:14px sans-serif}td,th{padding:3px 8px;text-align:left;"
        "border-bottom:1px solid #ccc}.fails td:nth-child(3){color:#b00;font-weight:bold}"
        ".not-run{color:#777}</style>\n"
        f"<h1>Claims</h1><p>{html.escape(heading)}</p>\n"
        f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>\n</html>\n"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the claims and write the table as CSV, Markdown and HTML; prints it as well."""
    parser = argparse.ArgumentParser(prog="symlearn claims", description=__doc__)
    parser.add_argument(
        "--claims", type=Path, nargs="+", required=True, help="the claims.yaml of each wing"
    )
    parser.add_argument("--preset", required=True, help="whose expectations to judge by")
    parser.add_argument(
        "--out", type=Path, required=True, help="CSV to write; .md and .html beside it"
    )
    parser.add_argument("figures", type=Path, nargs="+", help="the figures' NetCDF files")
    arguments = parser.parse_args(argv)
    return guarded("claims", lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> None:
    measured = read_measured(arguments.figures)
    claims = load_claims(*arguments.claims)
    verdicts = [judge(claim, arguments.preset, measured) for claim in claims]
    table, counted = rows(verdicts), summary(verdicts)
    heading = f"Preset {arguments.preset}: {counted}."
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    with arguments.out.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, _COLUMNS)
        writer.writeheader()
        writer.writerows(table)
    arguments.out.with_suffix(".md").write_text(as_markdown(table, heading), encoding="utf-8")
    arguments.out.with_suffix(".html").write_text(as_html(table, heading), encoding="utf-8")
    print(f"{as_text(table)}\n{heading}")


def _load_claims(path: Path) -> list[Claim]:
    try:
        return TypeAdapter(list[Claim]).validate_python(read_yaml(path))
    except ValidationError as error:
        faults = [(".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors()]
        listed = "; ".join(f"{where}: {what}" for where, what in faults)
        raise ConfigError(f"{path}: {listed}") from None


def _quantities(dataset: xr.Dataset) -> dict[str, Measured]:
    values, errors = dataset["value"].values.tolist(), dataset["uncertainty"].values.tolist()
    names: list[Any] = dataset["quantity"].values.tolist()
    return {n: Measured(v, e) for n, v, e in zip(names, values, errors, strict=True)}


def _at_most(value: float, bound: float) -> bool:
    return value <= bound or math.isclose(value, bound, rel_tol=1e-9)


def _number(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.4g}"
