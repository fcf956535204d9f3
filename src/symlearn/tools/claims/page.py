"""The table of claims as text, as Markdown and as a page that loads nothing."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from symlearn import wings
from symlearn.tools.claims.verdicts import COLUMNS, summary, surprises
from symlearn.tools.pages import render

Row = Mapping[str, str]


def as_text(table: Sequence[Row]) -> str:
    """The short columns of the table for a terminal."""
    columns = ("id", "figure", "outcome", "expected", "measured", "uncertainty")
    lines = [dict(zip(columns, columns, strict=True)), *table]
    width = {name: max(len(line[name]) for line in lines) for name in columns}
    return "\n".join("  ".join(line[n].ljust(width[n]) for n in columns).rstrip() for line in lines)


def as_markdown(table: Sequence[Row], heading: str) -> str:
    """The whole table as Markdown."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    for row in table:
        cells = [row[name].replace("|", "\\|").replace("\n", " ") for name in COLUMNS]
        lines.append("| " + " | ".join(cells) + " |")
    return f"{heading}\n\n" + "\n".join(lines) + "\n"


def as_html(table: Sequence[Row], preset: str) -> str:
    """The claims as a page: the central ones open, by paper, and the others folded."""
    found = {"summary": summary(table), "surprises": surprises(table)}
    return render("claims/claims.html", preset=preset, **found, **tables(table))


def tables(table: Sequence[Row]) -> dict[str, Any]:
    """What a page of claims shows: the central ones and the others by paper, and the outcomes."""
    central, others = ([r for r in table if bool(r["central"]) is is_so] for is_so in (True, False))
    return {
        "central": _by_paper(central),
        "others": _by_paper(others),
        "outcomes": list(dict.fromkeys(row["outcome"] for row in table)),
        "rounded": rounded,
    }


def rounded(measured: str, uncertainty: str) -> str:
    """A value and its standard error, to the first two digits of the error: "0.702 ± 0.020"."""
    if not uncertainty:
        return measured
    value, error = Decimal(measured), Decimal(uncertainty)
    place = Decimal(1).scaleb(error.adjusted() - 1)
    if error == 0 or "e" in measured or place > 1:
        return f"{measured} ± {float(uncertainty):.2g}"
    if place < Decimal(1).scaleb(value.adjusted() - 3):  # the table has four digits of a value
        return f"{measured} ± {float(uncertainty):.1g}"
    return f"{value.quantize(place):f} ± {error.quantize(place):f}"


def _by_paper(table: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows of each paper, papers in the order in which their figures are shown."""
    papers: dict[str, list[Row]] = {}
    for wing in wings.wings():
        if rows := [row for row in table if row["figure"] in wing.figures]:
            papers[wing.title] = rows
    return papers
