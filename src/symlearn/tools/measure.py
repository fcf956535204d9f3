"""Equivariance errors of a published model on one's own folder of pictures.

symlearn measure resnet50 --weights hub --pictures imagenet/val
"""

import argparse
import csv
import io
import os
import struct
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from symlearn.errors import ConfigError, DataError
from symlearn.measures.class_probabilities import ClassifierErrors, classifier_errors
from symlearn.measures.lie import GENERATORS, Images, check_generator
from symlearn.networks.devices import DEVICES, choose_device
from symlearn.networks.timm_models import timm_model, transform_of
from symlearn.pipeline.stage import guarded
from symlearn.progress import progress
from symlearn.randomness import generator

# What Pillow raises for pictures that are broken, cut short or made to fill the memory.
_UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    struct.error,
    Image.DecompressionBombError,
)
_LARGEST = 2**26  # pixels; a photograph has about 2**24
_SUFFIXES = (".jpeg", ".jpg", ".png", ".webp", ".bmp")


def main(argv: Sequence[str] | None = None) -> int:
    """Print the errors under each generator; returns the exit status."""
    arguments = _parser().parse_args(argv)
    return guarded("measure", lambda: _run(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="symlearn measure",
        description="The equivariance errors of a model of timm: the Lie derivative of its "
        "softmax probabilities, mean square (equation 4 of arXiv 2210.02984) and mean absolute "
        "value (its released code), and of its logits relative to their variance. Computes in "
        "double precision, or in single precision on mps, which has no other. Prints a table with "
        "standard errors over pictures.",
    )
    parser.add_argument("model", help="name of the model in timm")
    parser.add_argument("--weights", default="hub", help="hub, random, or a file of weights")
    parser.add_argument("--pictures", type=Path, required=True, help="folder, searched throughout")
    parser.add_argument("--count", type=int, default=100, help="pictures drawn (default 100)")
    parser.add_argument("--seed", type=int, default=0, help="of the draw (default 0)")
    parser.add_argument("--batch", type=int, default=8, help="pictures at once (default 8)")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument(
        "--generators", nargs="+", default=list(GENERATORS), metavar="NAME",
        help=f"of {', '.join(GENERATORS)} (default all)",
    )  # fmt: skip
    return parser


def _run(arguments: argparse.Namespace) -> None:
    for option, least in (("batch", 1), ("seed", 0)):
        if getattr(arguments, option) < least:
            raise ConfigError(f"--{option}: at least {least}, not {getattr(arguments, option)}")
    generators = [check_generator(name).name for name in arguments.generators]
    device = choose_device(arguments.device)
    files = pictures(arguments.pictures, arguments.count, arguments.seed)
    model = timm_model(arguments.model, arguments.weights)
    transform = transform_of(model)
    # In single precision the released code's resampler meets pixels a rounding off, by turns.
    dtype = torch.float32 if device.type == "mps" else torch.float64
    images = torch.stack([transform(opened(file)) for file in files]).to(device, dtype)
    errors = measured(model.to(device, dtype), images, generators, arguments.batch)
    table = csv.writer(sys.stdout, delimiter="\t", lineterminator="\n")
    found = errors.summary()
    table.writerow(["generator", *(f"{kind}{s}" for kind in found for s in ("", "_se"))])
    for row, name in enumerate(generators):
        numbers = [number for kind in found.values() for number in kind[row]]
        table.writerow([name, *(f"{number:.5g}" for number in numbers)])


def measured(
    model: torch.nn.Module, images: Images, generators: Sequence[str], batch: int
) -> ClassifierErrors:
    """The errors at all images, generator by generator."""
    found = [
        classifier_errors(model, images, [name], batch=batch)
        for name in progress(generators, "generators")
    ]
    return ClassifierErrors(
        square=torch.cat([each.square for each in found]),
        absolute=torch.cat([each.absolute for each in found]),
        logits=torch.cat([each.logits for each in found]),
        spread=found[0].spread,
    )


def pictures(folder: Path, count: int, seed: int) -> list[Path]:
    """`count` pictures drawn from a folder and those in it; raises DataError for too few."""
    files = sorted(pictures_below(folder))
    if not files or count > len(files):
        raise DataError(f"{folder}: holds {len(files)} pictures, and {count} are asked for")
    if count < 2:
        raise DataError(f"at least two pictures are needed for a variance, not {count}")
    drawn = generator(seed, "pictures").permutation(len(files))
    return [files[i] for i in np.sort(drawn[:count])]


def pictures_below(folder: Path) -> Iterator[Path]:
    """The pictures below a folder, also in folders that are links; raises DataError."""

    def refuse(error: OSError) -> None:
        raise DataError(f"{error.filename}: cannot be read: {error.strerror}")

    seen: set[str] = set()
    for name, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        if (real := os.path.realpath(name)) in seen:
            folders.clear()  # a link back to where it was
            continue
        seen.add(real)
        paths = (Path(name, file) for file in files)
        yield from (path for path in paths if path.suffix.lower() in _SUFFIXES)


def opened(path: Path) -> Image.Image:
    """A picture in colours of 8 bits, upright as its EXIF orientation says; raises DataError."""
    try:
        # From memory, since a file's reader makes room for whatever length the header claims.
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            if image.mode[0] in "IF":
                raise DataError(
                    f"{path}: has more than 8 bits a colour, which would be cut off; convert it"
                )
            if image.width * image.height > _LARGEST:  # its header may be forged; Pillow only warns
                raise DataError(f"{path}: has more than {_LARGEST} pixels, too many to read")
            ImageOps.exif_transpose(image, in_place=True)  # a copy would take as much again
            return image.convert("RGB")
    except _UNREADABLE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path}: cannot be read as a picture ({reason})") from None
