"""All figures of a preset on one page, with captions, claims and provenance: gallery.html."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from symlearn.tools.commands import duration, guarded
from symlearn.tools.gallery.content import OUTCOMES, Row, Shown, counted, gather

_HERE = Path(__file__).parent


def page(preset: str, figures: Sequence[Shown], claims: Sequence[Row]) -> str:
    """The page as text; equal content gives equal bytes."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["duration"] = duration
    template = environment.from_string((_HERE / "gallery.html").read_text(encoding="utf-8"))
    return template.render(
        preset=preset,
        figures=figures,
        claims=claims,
        counts=counted(claims),
        outcomes=OUTCOMES,
        topics=list(dict.fromkeys(figure.topic for figure in figures)),
        commits=sorted({figure.record["commit"] for figure in figures}),
        style=(_HERE / "gallery.css").read_text(encoding="utf-8"),
        script=(_HERE / "gallery.js").read_text(encoding="utf-8"),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page; returns the exit status."""
    parser = argparse.ArgumentParser(prog="symlearn gallery", description=__doc__)
    parser.add_argument("figures", type=Path, nargs="+", help="the figures' PDF files")
    parser.add_argument("--preset", required=True, help="the preset they were drawn for")
    parser.add_argument("--claims", type=Path, required=True, help="claims.csv")
    parser.add_argument("--out", type=Path, required=True, help="HTML file to write")
    arguments = parser.parse_args(argv)

    def run() -> None:
        figures, claims = gather(arguments.figures, arguments.claims)
        arguments.out.write_text(page(arguments.preset, figures, claims), encoding="utf-8")

    return guarded("gallery", run)
