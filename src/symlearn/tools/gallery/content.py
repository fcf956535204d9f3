"""What the gallery shows, gathered from the files beside the figures."""

import base64
import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from symlearn import plan, wings
from symlearn.errors import StoreError
from symlearn.pipeline.chain import chain
from symlearn.pipeline.outputs import figure_files
from symlearn.pipeline.provenance import read_record
from symlearn.tools.pages import UP

OUTCOMES = ("holds", "fails", "not run", "not judged")
Row = Mapping[str, str]
_THUMBNAIL = (320, 240)  # pixels at most


@dataclass(frozen=True)
class Picture:
    """A picture as a data URI, and its size in pixels."""

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
    thumbnail: Picture
    links: Mapping[str, str]
    studies: tuple[str, ...]
    claims: list[Row]
    record: Mapping[str, Any]
    results: int  # that it was made from, however indirectly
    seconds: float  # for all of them

    @property
    def topic(self) -> str:
        """What the figure is about."""
        return plan.topic(self.name)

    @property
    def counts(self) -> dict[str, int]:
        """How many of its claims have each outcome, without those that none has."""
        return counted(self.claims)


def gather(figures: Sequence[Path], claims: Path) -> tuple[list[Shown], list[Row]]:
    """The figures in their order, and their claims; raises StoreError for a missing file."""
    named = sorted(figures, key=lambda path: plan.in_order(path.stem))
    names = {path.stem for path in named}
    rows = [row for row in read_claims(claims) if row["figure"] in names]
    return [shown(path.parent, path.stem, rows) for path in named], rows


def by_topic(figures: Sequence[Shown]) -> dict[str, list[Shown]]:
    """The figures of each paper."""
    topics: dict[str, list[Shown]] = {}
    for figure in figures:
        topics.setdefault(figure.topic, []).append(figure)
    return topics


def shown(folder: Path, name: str, rows: Sequence[Row]) -> Shown:
    """A figure from its files in a folder: PNG, caption and sidecar; its PDF need not be there."""
    files = figure_files(folder, name)
    record = read_record(files["pdf"])
    if record is None:
        raise StoreError(f"{files['sidecar']}: is missing or damaged; draw the figure again")
    # The caption begins with the title as a sentence of its own.
    title, _, rest = _read(files["caption"]).decode().strip().partition(". ")
    links_of = chain(files["pdf"]) if files["pdf"].exists() else ()
    made = [link.record for link in links_of if link.record is not None] or [record]
    return Shown(
        name=name,
        title=title,
        caption=rest,
        picture=picture(files["png"]),
        thumbnail=thumbnail(files["png"]),
        links=links(folder, name),
        studies=tuple(wings.needs_of(name)),
        claims=[row for row in rows if row["figure"] == name],
        record=record,
        results=len(made) - 1,
        seconds=float(sum(link["seconds"] for link in made)),
    )


def picture(path: Path) -> Picture:
    """A PNG file to be put into a page, pixel by pixel, in half its bytes; raises StoreError."""
    return _as_uri(_opened(path), lossless=True, method=2)


def thumbnail(path: Path) -> Picture:
    """A PNG file made small; raises StoreError if it is none."""
    small = _opened(path)
    small.thumbnail(_THUMBNAIL)
    return _as_uri(small, quality=80)


def links(folder: Path, name: str) -> dict[str, str]:
    """Where the files of a figure lie, from its folder: PDF if there is one, data, code, page."""
    files, wing = figure_files(folder, name), wings.wing_of(name)
    beside = {"PDF": files["pdf"], "data (NetCDF)": files["data"]}
    found = {what: file.name for what, file in beside.items() if file.exists()}
    found["code"] = f"{UP}src/symlearn/papers/{wings.module_of(name).replace('.', '/')}.py"
    if wing.account.exists():  # a wing without a paper derives nothing
        found["derivations"] = f"{UP}docs/science/{wing.name}.md"
    return found


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


def _opened(path: Path) -> Image.Image:
    try:
        return Image.open(io.BytesIO(_read(path)), formats=["PNG"]).convert("RGB")
    except (OSError, SyntaxError, ValueError):  # SyntaxError is Pillow's for a broken chunk
        raise StoreError(f"{path}: is no PNG file; draw the figure again") from None


def _as_uri(image: Image.Image, **options: Any) -> Picture:
    stream = io.BytesIO()
    image.save(stream, "WEBP", **options)
    return Picture(
        f"data:image/webp;base64,{base64.b64encode(stream.getvalue()).decode()}", *image.size
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror}); run `snakemake`") from None
