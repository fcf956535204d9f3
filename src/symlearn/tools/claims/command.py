"""Judge the claims, and write the table as CSV, Markdown and page; or read tables made before.

Judging ends well whatever the outcome, so that its table is there to be read. `--check` then fails
where a claim fails that its file does not list as failing, or holds though it is listed. `--across`
takes the tables of several root seeds, or processors, and says which claims hold in some only.
"""

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

from symlearn.errors import SymlearnError
from symlearn.tools.claims.form import load_claims
from symlearn.tools.claims.page import Row, as_html, as_markdown, as_text
from symlearn.tools.claims.verdicts import (
    COLUMNS,
    across_seeds,
    judge,
    read_drawn,
    rows,
    summary,
    surprises,
)
from symlearn.tools.commands import guarded
from symlearn.tools.gallery.content import read_claims


class ClaimError(SymlearnError):
    """A claim does not turn out as its file lists it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Judge or check; returns the exit status."""
    parser = argparse.ArgumentParser(prog="symlearn claims", description=__doc__)
    parser.add_argument("--claims", type=Path, nargs="+", help="the claims.yaml of each wing")
    parser.add_argument("--preset", help="whose expectations to judge by")
    parser.add_argument(
        "--check", type=Path, metavar="CSV", help="a table made before, in place of figures"
    )
    parser.add_argument(
        "--across", type=Path, nargs="+", metavar="CSV", help="tables of several root seeds"
    )
    parser.add_argument(
        "--out", type=Path,
        help="CSV to write, with .md and .html beside it; the text to write with --check",
    )  # fmt: skip
    parser.add_argument("figures", type=Path, nargs="*", help="the figures' NetCDF files")
    arguments = parser.parse_args(argv)
    if arguments.across is not None:
        return guarded("claims", lambda: _across(arguments.across))
    if arguments.preset is None or arguments.out is None:
        parser.error("give --preset and --out")
    if arguments.check is None and not (arguments.claims and arguments.figures):
        parser.error("give --claims and figures, or --check")
    action = _judge if arguments.check is None else _check
    return guarded("claims", lambda: action(arguments))


def _judge(arguments: argparse.Namespace) -> None:
    drawn = read_drawn(arguments.figures)
    claims = load_claims(*arguments.claims)
    table = rows([judge(claim, arguments.preset, drawn) for claim in claims])
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    heading = write_table(table, arguments.preset, arguments.out)
    arguments.out.with_suffix(".html").write_text(
        as_html(table, arguments.preset), encoding="utf-8"
    )
    print("\n".join([as_text(table), *surprises(table), heading]))


def write_table(table: Sequence[Row], preset: str, out: Path) -> str:
    """Write the table as CSV to `out` and as Markdown beside it; returns the line on top of it."""
    heading = _heading(preset, table)
    with out.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(table)
    out.with_suffix(".md").write_text(as_markdown(table, heading), encoding="utf-8")
    return heading


def _check(arguments: argparse.Namespace) -> None:
    table = read_claims(arguments.check)
    if found := surprises(table):
        page = arguments.check.with_suffix(".html")
        raise ClaimError(f"{'; '.join(found)}; {page} shows them")
    arguments.out.write_text(f"{_heading(arguments.preset, table)}\n", encoding="utf-8")


def _across(files: Sequence[Path]) -> None:
    found = across_seeds([read_claims(file) for file in files])
    for name, share in found.items():
        print(f"{name}: {share}")
    print(f"Of {len(files)} runs: {len(found)} claims do not turn out alike.")


def _heading(preset: str, table: Sequence[Row]) -> str:
    return f"Preset {preset}: {summary(table)}."
