"""Judging claims: what was expected, against what the figures measured."""

import ast
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from symlearn import wings
from symlearn.errors import ConfigError, StoreError
from symlearn.pipeline import store
from symlearn.pipeline.closure import PACKAGE, ROOT, closure
from symlearn.statistics import Measured
from symlearn.tools.claims.form import Claim, Expected

Outcome = Literal["holds", "fails", "not run", "not judged"]
COLUMNS = (
    "id", "figure", "outcome", "expected", "measured", "uncertainty", "claim", "source", "note",
    "central", "surprise",
)  # fmt: skip
_SEEDS = "It holds in {} runs that differ in root seed or processor."


@dataclass(frozen=True)
class Drawn:
    """What a figure measured, and on which data set; None where it reads no data of the preset."""

    measured: Mapping[str, Measured]
    data: str | None = None


@dataclass(frozen=True)
class Verdict:
    """A claim, what was measured, and whether it holds."""

    claim: Claim
    expected: Expected | None
    measured: Measured | None
    outcome: Outcome
    note: str = ""
    surprise: str = ""


def read_drawn(files: Sequence[Path]) -> dict[str, Drawn]:
    """What each figure measured, by figure; raises StoreError."""
    return {file.stem: _drawn(file) for file in files}


def judge(claim: Claim, preset: str, drawn: Mapping[str, Drawn]) -> Verdict:
    """Whether a claim holds.

    Not judged where nothing is expected in the preset, and where the figure was drawn of data for
    which the expectation was not made. Not run where the figure measures such quantities, but not
    on this config's grid. Raises StoreError for a quantity that it measures on no grid.
    """
    expected = claim.expected(preset)
    if expected is None:
        return Verdict(claim, None, None, "not judged", "nothing is expected in this preset")
    figure = drawn.get(claim.figure, Drawn({}))
    bound = claim.made_for(preset)
    if bound is not None and figure.data is not None and figure.data not in bound:
        note = f"expected of {' and '.join(sorted(bound))}; the figure was drawn of {figure.data}"
        return Verdict(claim, expected, None, "not judged", note)
    quantity = _on_data(claim, preset, figure)
    if quantity not in figure.measured:
        if not could_measure(claim.figure, quantity):
            raise StoreError(
                f"claim {claim.id}: {claim.figure} does not measure {quantity!r} on any "
                "grid; name a quantity of the figure"
            )
        note = f"{quantity} is not in this config's grid of {claim.figure}"
        return Verdict(claim, expected, None, "not run", note)
    found = figure.measured[quantity]
    outcome: Outcome = "holds" if expected.holds(found) else "fails"
    why = claim.fails.get(preset, "")
    note = why if outcome == "fails" and why else claim.note
    if preset in claim.seeds:
        note = f"{note} {_SEEDS.format(claim.seeds[preset])}".strip()
    return Verdict(claim, expected, found, outcome, note, _surprise(claim, preset, outcome))


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
            "note": verdict.note,
            "central": "yes" if verdict.claim.central else "",
            "surprise": verdict.surprise,
        }
        for verdict in verdicts
    ]


def summary(table: Sequence[Mapping[str, str]]) -> str:
    """One line that counts the outcomes."""
    counts = Counter(row["outcome"] for row in table)
    rest = f"{counts['not run']} not run, {counts['not judged']} not judged"
    return f"{counts['holds']} hold, {counts['fails']} fail, {rest}"


def surprises(table: Sequence[Mapping[str, str]]) -> list[str]:
    """What contradicts `fails`, a line for each claim."""
    return [f"{row['id']} {row['surprise']}" for row in table if row["surprise"]]


def across_seeds(tables: Sequence[Sequence[Mapping[str, str]]]) -> dict[str, str]:
    """In how many of the tables each claim holds, where they disagree: "2 of 3"."""
    outcomes: dict[str, list[str]] = {}
    for row in (row for table in tables for row in table):
        outcomes.setdefault(row["id"], []).append(row["outcome"])
    return {
        name: f"{found.count('holds')} of {len(found)}"
        for name, found in outcomes.items()
        if len(set(found)) > 1
    }


def _surprise(claim: Claim, preset: str, outcome: Outcome) -> str:
    """How an outcome contradicts the claim's own list of presets in which it fails.

    The list is one of the presets that are shipped: those for which data sets are named. Where runs
    disagree that differ in root seed or processor, neither outcome is a surprise.
    """
    if (claim.data is not None and preset not in claim.data) or preset in claim.seeds:
        return ""
    if outcome == "fails" and preset not in claim.fails:
        return "fails and is not listed under `fails`"
    if outcome == "holds" and preset in claim.fails:
        return "holds and is listed under `fails`"
    return ""


def _on_data(claim: Claim, preset: str, figure: Drawn) -> str:
    """The claim's quantity, with the data set that it may name."""
    usual = (claim.data or {}).get(preset, figure.data)
    return claim.quantity.replace("{data}", usual or "{data}")


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


def _drawn(file: Path) -> Drawn:
    dataset = store.read_group(file, "measured")
    values, errors = dataset["value"].values.tolist(), dataset["uncertainty"].values.tolist()
    names: list[str] = dataset["quantity"].values.tolist()
    found = {n: Measured(v, e) for n, v, e in zip(names, values, errors, strict=True)}
    context = store.spec_of(store.read(file)).get("context")
    return Drawn(found, context and context["dataset"]["name"])


def _number(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.4g}"
