"""The account, the figures and the claims of a preset on one page to send: gallery.html."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from symlearn.tools.account.text import KNOWN, counts
from symlearn.tools.account.verdicts import sections
from symlearn.tools.claims.page import tables
from symlearn.tools.claims.verdicts import summary
from symlearn.tools.commands import guarded
from symlearn.tools.gallery.content import Row, Shown, by_topic, gather
from symlearn.tools.pages import render


def page(preset: str, figures: Sequence[Shown], claims: Sequence[Row]) -> str:
    """The page as text; equal content gives equal bytes."""
    names = [figure.name for figure in figures]
    account = sections(claims, preset, names)
    return render(
        "gallery/gallery.html",
        preset=preset,
        figures=figures,
        names=names,
        topics=by_topic(figures),
        account=account,
        verdicts=counts(account),
        known=KNOWN,
        total=len(claims),
        summary=summary(claims),
        commits=sorted({figure.record["commit"] for figure in figures}),
        **tables(claims),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page; returns the exit status."""
    parser = argparse.ArgumentParser(prog="symlearn gallery", description=__doc__)
    parser.add_argument("figures", type=Path, nargs="+", help="the figures' PDF or PNG files")
    parser.add_argument("--preset", required=True, help="the preset they were drawn for")
    parser.add_argument("--claims", type=Path, required=True, help="claims.csv")
    parser.add_argument("--out", type=Path, required=True, help="HTML file to write")
    arguments = parser.parse_args(argv)

    def run() -> None:
        figures, claims = gather(arguments.figures, arguments.claims)
        arguments.out.write_text(page(arguments.preset, figures, claims), encoding="utf-8")

    return guarded("gallery", run)
