"""What the gallery shows, gathered from the files beside the figures."""

import base64
import csv
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symlearn import plan, wings
from symlearn.errors import StoreError
from symlearn.pipeline.chain import chain
from symlearn.pipeline.provenance import read_record

OUTCOMES = ("holds", "fails", "not run", "not judged")
Row = Mapping[str, str]


@dataclass(frozen=True)
class Picture:
    """A PNG as a data URI, and its size in pixels."""

    uri: str
    width: int
    height: int


@dataclass(frozen=True)
class Shown:
    """One figure of the gallery."""

    name: str
    title: str
    caption: str
    picture: Picture
    studies: tuple[str, ...]
    claims: list[Row]
    record: Mapping[str, Any]
    results: int  # that it was made from, however indirectly
    seconds: float  # for all of them

    @property
    def number(self) -> str:
        """The figure's number, or its name if it has none."""
        return self.name.removeprefix("fig")

    @property
    def topic(self) -> str:
        """What the figure is about."""
        return plan.topic(self.name)

    @property
    def counts(self) -> dict[str, int]:
        """How many of its claims have each outcome, without those that none has."""
        return counted(self.claims)


def gather(figures: Sequence[Path], claims: Path) -> tuple[list[Shown], list[Row]]:
    """The figures in their order, and all claims; raises StoreError for a file that is missing."""
    rows = read_claims(claims)
    named = sorted(figures, key=lambda path: plan.in_order(path.stem))
    return [shown(path, rows) for path in named], rows


def shown(pdf: Path, rows: Sequence[Row]) -> Shown:
    """A figure from its PDF's neighbours: PNG, caption and sidecar."""
    record = read_record(pdf)
    if record is None:
        raise StoreError(f"{pdf}.json: is missing or damaged; draw the figure again")
    text = _read(pdf.with_suffix(".txt")).decode().strip()
    # The caption begins with the title as a sentence of its own.
    title, _, rest = text.partition(". ")
    made = [link.record for link in chain(pdf) if link.record is not None]
    return Shown(
        name=pdf.stem,
        title=title,
        caption=rest,
        picture=picture(pdf.with_suffix(".png")),
        studies=tuple(wings.needs_of(pdf.stem)),
        claims=[row for row in rows if row["figure"] == pdf.stem],
        record=record,
        results=len(made) - 1,
        seconds=float(sum(link["seconds"] for link in made)),
    )


def picture(path: Path) -> Picture:
    """A PNG file to be put into a page; raises StoreError if it is none."""
    content = _read(path)
    if content[:8] != b"\x89PNG\r\n\x1a\n" or content[12:16] != b"IHDR":
        raise StoreError(f"{path}: is no PNG file; draw the figure again")
    width, height = struct.unpack(">II", content[16:24])
    return Picture(f"data:image/png;base64,{base64.b64encode(content).decode()}", width, height)


def read_claims(path: Path) -> list[Row]:
    """The rows of claims.csv."""
    rows: list[Row] = list(csv.DictReader(_read(path).decode().splitlines()))
    if not rows or "outcome" not in rows[0]:
        raise StoreError(f"{path}: is no table of claims; run `snakemake claims`")
    return rows


def counted(rows: Sequence[Row]) -> dict[str, int]:
    """How many claims have each outcome, in the order of `OUTCOMES`, without zeros."""
    counts = Counter(row["outcome"] for row in rows)
    return {outcome: counts[outcome] for outcome in OUTCOMES if counts[outcome]}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror}); run `snakemake`") from None
