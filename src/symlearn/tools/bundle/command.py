"""One archive with figures, their data, specs, claims and source: pack, restore, redraw.

What is restored redraws every figure from the results that it reads: no kernel is computed and no
network trained.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from symlearn.errors import StoreError
from symlearn.pipeline.hashes import sha256
from symlearn.pipeline.links import as_written
from symlearn.pipeline.outputs import CLOSING_JOBS
from symlearn.pipeline.provenance import commit
from symlearn.tools.bundle.archive import pack, unpack
from symlearn.tools.bundle.contents import bundled_project, files_of, named, read_all, spec_file
from symlearn.tools.commands import guarded


def main(argv: Sequence[str] | None = None) -> int:
    """Run one of the three commands; returns the exit status."""
    parser = argparse.ArgumentParser(prog="symlearn bundle", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    packs = commands.add_parser("pack", help="write the archive")
    packs.add_argument("figures", type=Path, nargs="+", help="the figures' PDF files")
    packs.add_argument("--preset", required=True)
    packs.add_argument("--out", type=Path, required=True, help="ZIP file to write")
    packs.set_defaults(action=_pack)
    restores = commands.add_parser("restore", help="check an archive and unpack it")
    restores.add_argument("bundle", type=Path)
    restores.add_argument("--into", type=Path, required=True, help="an empty or new folder")
    restores.set_defaults(action=_restore)
    redraws = commands.add_parser("redraw", help="draw the figures of a restored folder again")
    redraws.add_argument("folder", type=Path)
    redraws.add_argument("figures", nargs="*", help="fig4, ...; default: all")
    redraws.set_defaults(action=_redraw)
    arguments = parser.parse_args(argv)
    return guarded("bundle", lambda: arguments.action(arguments))


def _pack(arguments: argparse.Namespace) -> None:
    project = bundled_project()
    if "Snakefile" not in project:
        raise StoreError(
            "a bundle holds the project, and this package is installed without its folder; "
            "install it from there: pip install --editable FOLDER"
        )
    # figures/<preset>/ lies beside results/<preset>/, and not always in the working folder.
    root = as_written(arguments.figures[0]).parents[2]
    results = root / "results" / arguments.preset
    files = [arguments.figures[0].with_name(name) for name in CLOSING_JOBS["claims"]]
    for figure in arguments.figures:
        files += files_of(figure, results)
    about = {"preset": arguments.preset, "commit": commit()}
    pack(read_all({**project, **named(root, files)}), arguments.out, about)


def _restore(arguments: argparse.Namespace) -> None:
    manifest = unpack(arguments.bundle, arguments.into)
    print(f"{arguments.into}: {len(manifest['files'])} files of the preset {manifest['preset']}")
    print(f"Environment: make env (in that folder). Then: {_COMMAND} redraw {arguments.into}")


_COMMAND = "symlearn bundle"


def _redraw(arguments: argparse.Namespace) -> int:
    """Draw figures into redrawn/; 1 if any has other data than the figure in the bundle."""
    found = sorted(arguments.folder.glob("figures/*/*.pdf"))
    chosen = [path for path in found if path.stem in arguments.figures or not arguments.figures]
    unknown = set(arguments.figures) - {path.stem for path in found}
    if unknown or not chosen:
        raise StoreError(f"{arguments.folder}: holds no {', '.join(sorted(unknown)) or 'figures'}")
    return max(_redraw_one(arguments.folder, figure) for figure in chosen)


def _redraw_one(folder: Path, figure: Path) -> int:
    """Draw one figure with the restored source and compare what was plotted."""
    preset = figure.parent.name
    spec = spec_file(folder / "results" / preset, figure)
    out = folder / "redrawn" / preset / figure.name
    command = [sys.executable, "-m", "symlearn", "figures", "--spec", str(spec), "--out", str(out)]
    environment = {**os.environ, "PYTHONPATH": str((folder / "src").resolve())}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StoreError(f"{figure.stem}: cannot be drawn: {done.stderr.strip()}")
    same = sha256(out.with_suffix(".nc")) == sha256(figure.with_suffix(".nc"))
    print(f"{out}: {'the same data' if same else 'OTHER DATA than in the bundle'}")
    return 0 if same else 1
