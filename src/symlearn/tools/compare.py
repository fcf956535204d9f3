"""Whether two folders of figures plot equal data, to the byte: before a change and after it."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from symlearn.errors import StoreError
from symlearn.pipeline import store
from symlearn.tools.commands import guarded


def main(argv: Sequence[str] | None = None) -> int:
    """Print what differs; returns 0 if nothing does."""
    parser = argparse.ArgumentParser(prog="symlearn compare", description=__doc__)
    parser.add_argument("old", type=Path, help="folder with the figures' NetCDF files")
    parser.add_argument("new", type=Path, help="folder to compare with it")
    parser.add_argument(
        "--renamed",
        nargs="*",
        default=[],
        metavar="OLD=NEW",
        help="variables with another name now",
    )
    arguments = parser.parse_args(argv)
    return guarded("compare", lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    renamed = dict(pair.split("=", 1) for pair in arguments.renamed)
    names = sorted(path.name for path in arguments.old.glob("*.nc"))
    if not names:
        raise StoreError(f"{arguments.old}: holds no plotted data (*.nc)")
    equal = variables = 0
    for name in names:
        old = store.read_groups(arguments.old / name)
        found = list(differences(old, store.read_groups(arguments.new / name), renamed))
        equal += not found
        variables += sum(len(dataset.variables) for dataset in old.values())
        for line in found:
            print(f"{name}: {line}")
    print(f"{equal} of {len(names)} figures plot equal data, {variables} variables in all")
    return 0 if equal == len(names) else 1


def differences(
    old: Mapping[str, xr.Dataset], new: Mapping[str, xr.Dataset], renamed: Mapping[str, str]
) -> Iterator[str]:
    """What of the plotted data in named groups differs: names, axes, types, bytes of values."""
    for group in sorted(old.keys() | new.keys()):
        if group not in old or group not in new:
            yield f"{group}: stands in one of the two alone"
            continue
        before, after = old[group], new[group]
        names = {n: n if n in after.variables else renamed.get(str(n), n) for n in before.variables}
        for alone in sorted(map(str, set(names.values()) ^ set(after.variables))):
            yield f"{group}/{alone}: stands in one of the two alone"
        for name, now in names.items():
            if now in after.variables and (what := _difference(before[name], after[now])):
                yield f"{group}/{now}: {what}"


def _difference(old: xr.DataArray, new: xr.DataArray) -> str:
    if (old.dims, old.shape, old.dtype.kind) != (new.dims, new.shape, new.dtype.kind):
        return f"{dict(old.sizes)} of {old.dtype} against {dict(new.sizes)} of {new.dtype}"
    if old.dtype.kind not in "biuf":
        return "" if np.array_equal(old.values, new.values) else "other words"
    first, second = (np.ascontiguousarray(one.values) for one in (old, new))
    if first.dtype == second.dtype and first.tobytes() == second.tobytes():
        return ""
    apart = np.abs(first.astype(float) - second.astype(float))
    return (
        f"differs by up to {np.nanmax(apart):.3g}" if np.isfinite(apart).any() else "other values"
    )
