"""How many poses of one's own images a network must see, predicted from one row of its kernel.

Prints a table, and writes it with a picture. docs/poses.md says what the numbers mean.
"""

import argparse
import csv
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from PIL import Image

from symlearn.datasets.pictures import opened, pictures_below
from symlearn.errors import ConfigError, DataError
from symlearn.groups import action_of
from symlearn.menu import kinds
from symlearn.menu.groups import GROUPS
from symlearn.papers.orbits.poses import Curve, curve, divisors
from symlearn.progress import progress
from symlearn.randomness import generator
from symlearn.statistics import first_below
from symlearn.tools.commands import guarded

_CYCLIC = tuple(name for name, family in GROUPS.items() if family.cyclic)

Images = Float[np.ndarray, "image row col"]


def main(argv: Sequence[str] | None = None) -> int:
    """Print and write the curve; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="symlearn poses",
        description="For pairs of your images: the error that an infinitely wide network makes on "
        "a pose that it has not seen, by the number N of poses, and the smallest N at which it is "
        "below a bound. Images of different classes make a pair; where there are no classes, any "
        "two. Photographs are turned within their inscribed disc.",
    )
    parser.add_argument("--architecture", required=True, help=", ".join(kinds.STANDARD))
    parser.add_argument(
        "--images", type=Path, required=True,
        help="a folder of square pictures, or of folders, one for each class; or an .npz file with "
        "images (image, row, col) and perhaps labels",
    )  # fmt: skip
    parser.add_argument("--group", default="cyclic-rotation", help=", ".join(_CYCLIC))
    parser.add_argument("--most", type=int, default=64, help="largest N; its divisors are tried")
    parser.add_argument("--error", type=float, default=0.5, help="the bound (default 0.5)")
    parser.add_argument("--pairs", type=int, default=50, help="pairs drawn (default 50)")
    parser.add_argument("--side", type=int, help="pixels a side to scale to (default: as they are)")
    parser.add_argument("--seed", type=int, default=0, help="of the draw (default 0)")
    parser.add_argument("--out", type=Path, default=Path("poses"), help="folder (default poses)")
    arguments = parser.parse_args(argv)
    return guarded("poses", lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> None:
    _check(arguments)
    architecture = kinds.standard_architecture(arguments.architecture)
    images, classes = read_images(arguments.images, arguments.side)
    _check_side(arguments, architecture, images.shape[1])
    if action_of(arguments.group).moves == "rotations":
        images = images * disc(images.shape[1])
    pairs = draw_pairs(classes, arguments.pairs, arguments.seed)
    found = [
        curve(images[pair], architecture, arguments.group, arguments.most)
        for pair in progress(list(pairs), "pairs")
    ]
    _report(arguments, found, pairs)


def _check(arguments: argparse.Namespace) -> None:
    if arguments.group not in _CYCLIC:
        raise ConfigError(f"--group: {arguments.group!r} is unknown; allowed: {', '.join(_CYCLIC)}")
    for option, least in (("most", 2), ("pairs", 1), ("seed", 0), ("side", 2)):
        value = getattr(arguments, option)
        if value is not None and value < least:
            raise ConfigError(f"--{option}: at least {least}, not {value}")
    if not arguments.error > 0:
        raise ConfigError(f"--error: larger than 0, not {arguments.error:g}")


def _check_side(arguments: argparse.Namespace, architecture: dict[str, object], side: int) -> None:
    patch = architecture.get("patch")
    if arguments.group == "cyclic-shift" and side % arguments.most:
        raise ConfigError(f"--most: {arguments.most} shifts do not divide {side} pixels")
    if isinstance(patch, int) and side % 2 and patch % 2 == 0:
        raise ConfigError(f"patches of {patch} pixels tile no image of {side}; give --side")
    if isinstance(patch, int) and arguments.group == "cyclic-shift":
        raise ConfigError("--group: a transformer is not invariant under shifts within a patch")


def read_images(path: Path, side: int | None) -> tuple[Images, np.ndarray]:
    """Grey square images in [0, 1] of one size, and their classes; raises DataError.

    Where there are no classes, each image is one of its own.
    """
    read = _of_folder if path.is_dir() else _of_file
    images, classes = read(path)
    scaled = [_scaled(image, side, name) for name, image in images]
    if len(scaled) < 2:
        raise DataError(f"{path}: has {len(scaled)} images, and a pair takes two")
    if len({len(image) for image in scaled}) > 1:
        raise DataError(f"{path}: has images of several sizes; give --side to scale them")
    if len(set(classes)) < 2:
        raise DataError(f"{path}: has images of one class alone, and pairs are of two")
    return np.stack(scaled), np.array(classes)


Named = list[tuple[str, np.ndarray]]


def _of_folder(folder: Path) -> tuple[Named, list[str]]:
    files = sorted(pictures_below(folder))
    by_class = any(file.parent != folder for file in files)
    grey = [(str(file), np.asarray(opened(file).convert("L"), dtype=float) / 255) for file in files]
    return grey, [str(file.parent) if by_class else str(file) for file in files]


def _of_file(path: Path) -> tuple[Named, list[str]]:
    try:
        # Opened here: numpy leaves a damaged archive open.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            images = file["images"]
            labels = file["labels"] if "labels" in file else np.arange(len(images))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    except (
        ValueError, KeyError, TypeError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error
    ):  # fmt: skip
        raise DataError(f"{path}: is neither a folder nor an .npz file with images") from None
    if images.ndim not in (3, 4) or len(labels) != len(images):
        raise DataError(f"{path}: images are (image, row, col), with a label each or none")
    levels = images / 255 if images.dtype == np.uint8 else images.astype(float)
    if levels.ndim == 4:
        levels = levels.mean(axis=-1)
    if not (np.isfinite(levels).all() and levels.min() >= 0 and levels.max() <= 1):
        raise DataError(f"{path}: intensities are from 0 to 1, or uint8 from 0 to 255")
    named = [(f"{path}: image {number}", image) for number, image in enumerate(levels)]
    return named, [str(label) for label in labels]


def _scaled(image: np.ndarray, side: int | None, name: str) -> np.ndarray:
    rows, columns = image.shape
    if rows != columns:
        raise DataError(f"{name}: has {rows} x {columns} pixels; images are square")
    if side is None or side == rows:
        return image
    picture = Image.fromarray(image.astype(np.float32), mode="F")
    return np.asarray(picture.resize((side, side), Image.Resampling.BOX), dtype=float)


def disc(side: int) -> Float[np.ndarray, "row col"]:
    """One within the inscribed disc, which no rotation leaves, and zero outside."""
    axis = np.arange(side) - (side - 1) / 2
    return (axis[:, None] ** 2 + axis[None, :] ** 2 <= (side / 2) ** 2).astype(float)


def draw_pairs(classes: np.ndarray, count: int, seed: int) -> Int[np.ndarray, "pair 2"]:
    """Pairs of images of different classes, as many as there are at most, none twice."""
    first, second = np.triu_indices(len(classes), 1)
    differ = classes[first] != classes[second]
    there = np.column_stack([first[differ], second[differ]])
    return generator(seed, "poses").permutation(there)[:count]


def _report(arguments: argparse.Namespace, found: list[Curve], pairs: np.ndarray) -> None:
    n = divisors(arguments.most)
    errors = np.stack([one.errors for one in found], axis=1)  # n, pair, orbit
    enough = first_below(errors, n, arguments.error)
    low, middle, high = np.percentile(errors.reshape(len(n), -1), [10, 50, 90], axis=1)
    below = (np.abs(errors) < arguments.error).mean(axis=(1, 2))
    rows = list(zip(n.tolist(), low, middle, high, below, strict=True))
    print(f"{'N':>4}  {'10 %':>7}  {'median':>7}  {'90 %':>7}  below {arguments.error:g}")
    for number, *values, share in rows:
        print(f"{number:>4}  " + "  ".join(f"{value:7.3f}" for value in values) + f"  {share:6.0%}")
    print(_sentence(enough, arguments))
    if unreliable := sum(not one.reliable for one in found):
        print(
            f"{unreliable} of {len(found)} pairs are unreliable: interpolation breaks the kernel's "
            "symmetry so far that one row belongs to no kernel"
        )
    arguments.out.mkdir(parents=True, exist_ok=True)
    _write(arguments.out / "poses.csv", ["n", "p10", "median", "p90", "share_below"], rows)
    each = [[*pair, *values] for pair, values in zip(pairs.tolist(), enough.tolist(), strict=True)]
    _write(arguments.out / "pairs.csv", ["first", "second", "enough_first", "enough_second"], each)
    _draw(arguments, n, errors, arguments.out / "poses.png")


def _sentence(enough: np.ndarray, arguments: argparse.Namespace) -> str:
    """The smallest N in words, with percentiles over both orbits of all pairs."""
    ends = np.percentile(enough, [10, 50, 90], method="higher")
    words = [f"{end:.0f}" if np.isfinite(end) else f"more than {arguments.most}" for end in ends]
    return (
        f"{arguments.architecture} needs {words[1]} poses for an error below {arguments.error:g} "
        f"(median over {enough.size} orbits; 10 to 90 %: {words[0]} to {words[2]})"
    )


def _write(path: Path, heading: list[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([heading, *rows])


def _draw(arguments: argparse.Namespace, n: np.ndarray, errors: np.ndarray, path: Path) -> None:
    from symlearn.plots import panels, style

    with style.applied():
        figure, axes = style.plt.subplots(figsize=(style.ONE_COLUMN, 2.4))
        values = errors.reshape(len(n), -1)
        panels.spread(axes, n, values, color="C0", marker="o", label="median, 16 to 84 %")
        axes.axhline(arguments.error, color="0.6", linewidth=0.8, label="bound")
        panels.powers_of_two(axes, n, "poses N")
        axes.set(ylabel="error on a missing pose", ylim=(0, None), title=arguments.architecture)
        axes.legend()
        figure.savefig(path)
