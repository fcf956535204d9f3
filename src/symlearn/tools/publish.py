"""Keep figures of a preset in the repository: pictures, captions, data, sidecars, and claims.

`make results` draws the preset and runs this. What is kept stays true when `results/` is gone: each
figure's sidecar says which code and which inputs made it, and `published.sha256` lists all files
(`sha256sum --check published.sha256` in the folder). The account of all kept figures is renewed.
"""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from symlearn import plan
from symlearn.errors import StoreError
from symlearn.pipeline.hashes import sha256
from symlearn.pipeline.outputs import figure_files
from symlearn.pipeline.provenance import read_record
from symlearn.tools.account.command import renew
from symlearn.tools.account.kept import FOLDER
from symlearn.tools.account.verdicts import PRESET
from symlearn.tools.commands import guarded

_COLOURS = 256
_KEPT = ("png", "data", "caption", "sidecar")  # the PDF is drawn again from the data


def main(argv: Sequence[str] | None = None) -> int:
    """Copy what is drawn, judge it, and list it; returns the exit status."""
    parser = argparse.ArgumentParser(prog="symlearn publish", description=__doc__)
    parser.add_argument("--preset", default=PRESET, help=f"whose figures (default {PRESET})")
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
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names:
        files = figure_files(drawn, name)
        for kind in _KEPT:
            shutil.copyfile(files[kind], FOLDER / files[kind].name)
        _reduce(FOLDER / files["png"].name)
    print(f"{len(names)} figures of {arguments.preset} in {FOLDER}. {renew(arguments.preset)}")


def _reduce(picture: Path) -> None:
    """Write a PNG anew with 256 colours: a third of the size, and the same to the eye."""
    with Image.open(picture) as opened:
        kept = PngInfo()
        for key, value in opened.info.items():
            if isinstance(value, str):
                kept.add_itxt(str(key), value)
        reduced = opened.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
        resolution = opened.info["dpi"]
    reduced.save(picture, optimize=True, dpi=resolution, pnginfo=kept)


def check(folder: Path, name: str) -> None:
    """Raise StoreError where a figure lacks a file, or is not what its sidecar says."""
    files = figure_files(folder, name)
    for file in files.values():
        if not file.exists():
            raise StoreError(f"{file}: is missing; draw {name} again")
    record = read_record(files["pdf"])
    if record is None or record["sha256"] != sha256(files["pdf"]):
        raise StoreError(f"{files['pdf']}: is not what its sidecar says; draw {name} again")
