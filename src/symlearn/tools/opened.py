"""The plotted data of a figure, from Python."""

from pathlib import Path

import xarray as xr

from symlearn.errors import DataError
from symlearn.pipeline import store


def open(figure: str, preset: str | None = None, folder: str | Path = "figures") -> xr.DataTree:
    """What a figure shows, in memory, by the groups in which it is plotted.

    `figure` is a figure's name, such as "fig4", or a path of its .nc file. `preset` says of which
    run, "published" those that the repository keeps; it may be left out where there is one alone.
    The group `measured` holds the quantities that claims are about, and the attribute `caption` the
    caption. Raises DataError where there is no such figure, and StoreError for a damaged file.
    """
    path = Path(figure) if figure.endswith(".nc") else _found(figure, preset, Path(folder))
    tree = xr.DataTree.from_dict(store.read_groups(path))
    caption = path.with_suffix(".txt")
    if caption.is_file():
        tree.attrs["caption"] = caption.read_text(encoding="utf-8").strip()
    return tree


def _found(figure: str, preset: str | None, folder: Path) -> Path:
    there = sorted(folder.glob(f"*/{figure}.nc"))
    wanted = [path for path in there if preset in (None, path.parent.name)]
    if len(wanted) == 1:
        return wanted[0]
    presets = ", ".join(path.parent.name for path in there)
    if wanted:
        raise DataError(f"{folder} holds {figure} of {presets}: choose one of them as preset")
    of = f" of {presets}" if there else ""
    raise DataError(
        f"{folder.absolute()} holds {'no ' + figure if not there else figure + of}"
        + (f", and not of {preset}" if there else "; draw it by `snakemake --cores all`")
    )
