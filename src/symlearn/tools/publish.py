"""Keep figures of a preset in the repository: pictures, captions, data, sidecars, and claims.

`make results` draws the preset and runs this. What is kept stays true when `results/` is gone: each
figure's sidecar says which code and which inputs made it, and `published.sha256` lists all files
(`sha256sum --check published.sha256` in the folder).
"""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

from symlearn import plan, wings
from symlearn.errors import StoreError
from symlearn.pipeline.hashes import sha256
from symlearn.pipeline.outputs import figure_files
from symlearn.pipeline.provenance import read_record
from symlearn.tools.claims.command import write_table
from symlearn.tools.claims.form import load_claims
from symlearn.tools.claims.verdicts import judge, read_drawn, rows, summary
from symlearn.tools.commands import guarded

FOLDER = Path("figures/published")
LIST = "published.sha256"
_KEPT = ("png", "data", "caption", "sidecar")  # the PDF is drawn again from the data


def main(argv: Sequence[str] | None = None) -> int:
    """Copy what is drawn, judge it, and list it; returns the exit status."""
    parser = argparse.ArgumentParser(prog="symlearn publish", description=__doc__)
    parser.add_argument("--preset", default="standard", help="whose figures (default standard)")
    parser.add_argument("--out", type=Path, default=FOLDER, help=f"folder (default {FOLDER})")
    parser.add_argument("figures", nargs="*", help="names of figures (default: all that are drawn)")
    arguments = parser.parse_args(argv)
    return guarded("publish", lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> None:
    drawn = Path("figures") / arguments.preset
    names = arguments.figures or [n for n in plan.figure_names() if (drawn / f"{n}.pdf").exists()]
    if not names:
        raise StoreError(f"{drawn}: has no figures; draw the preset first")
    for name in names:
        check(drawn, name)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in names:
        files = figure_files(drawn, name)
        for kind in _KEPT:
            shutil.copyfile(files[kind], arguments.out / files[kind].name)
    table = judged(arguments.out, arguments.preset)
    write_list(arguments.out)
    print(f"{len(names)} figures of {arguments.preset} in {arguments.out}: {summary(table)}.")


def check(folder: Path, name: str) -> None:
    """Raise StoreError where a figure lacks a file, or is not what its sidecar says."""
    files = figure_files(folder, name)
    for file in files.values():
        if not file.exists():
            raise StoreError(f"{file}: is missing; draw {name} again")
    record = read_record(files["pdf"])
    if record is None or record["sha256"] != sha256(files["pdf"]):
        raise StoreError(f"{files['pdf']}: is not what its sidecar says; draw {name} again")


def judged(folder: Path, preset: str) -> list[dict[str, str]]:
    """The claims of all figures in the folder, also written there as CSV and Markdown."""
    drawn = read_drawn(sorted(folder.glob("*.nc")))
    claims = load_claims(*(wing.claims for wing in wings.wings()))
    table = rows([judge(claim, preset, drawn) for claim in claims if claim.figure in drawn])
    write_table(table, preset, folder / "claims.csv")
    return table


def write_list(folder: Path) -> None:
    """The SHA-256 of every file of the folder, as sha256sum writes and reads it."""
    files = sorted(file for file in folder.iterdir() if file.name not in (LIST, "README.md"))
    lines = [f"{sha256(file)}  {file.name}\n" for file in files]
    (folder / LIST).write_text("".join(lines), encoding="utf-8")
