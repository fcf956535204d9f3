"""The measures of all four papers, of models of timm, on one's own folder of pictures.

symlearn measure tf_efficientnet_lite0 --pictures imagenet/val --out measured
"""

import argparse
import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import xarray as xr
from torch import nn

from symlearn.datasets.pictures import digest, labels_of, opened, pictures
from symlearn.errors import ConfigError, DataError
from symlearn.measures import any_model
from symlearn.measures.lie import GENERATORS, STENCILS, check_generator
from symlearn.measures.lie_action import MeasureError
from symlearn.menu.groups import GROUPS
from symlearn.networks.devices import DEVICES, choose_device
from symlearn.networks.timm_models import imagenet_synsets, timm_model, transform_of
from symlearn.pipeline.hashes import sha256
from symlearn.pipeline.manifests import code_digest
from symlearn.pipeline.stage import guarded
from symlearn.progress import progress
from symlearn.tools.commands import duration
from symlearn.tools.measure import report

MEASURES = ("lie", "layers", "stability", "invariance")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and report; returns the exit status."""
    arguments = _parser().parse_args(argv)
    return guarded("measure", lambda: _run(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="symlearn measure",
        description="What a model of timm has learned of symmetries, by the measures of four "
        "papers: its Lie derivative end to end and layer by layer, its stability to smooth "
        "deformations, and its invariance under a finite group. Prints a table and writes it with "
        "pictures, a NetCDF file and a page that says what each number means. A run that was "
        "stopped goes on where it was. Computes in double precision, or in single precision on "
        "mps, which has no other.",
    )
    parser.add_argument("model", nargs="*", help="names of models in timm, to be compared")
    parser.add_argument("--models", nargs="+", default=[], metavar="MODEL", help="more of them")
    parser.add_argument(
        "--weights", default="pretrained",
        help="pretrained (from a package of the extra `published` where there is one, else the "
        "hub), hub, package, random, or a file of weights",
    )  # fmt: skip
    parser.add_argument("--pictures", type=Path, required=True, help="folder, searched throughout")
    parser.add_argument("--count", type=int, help="pictures drawn (default: all, up to 100)")
    parser.add_argument("--seed", type=int, default=0, help="of all draws (default 0)")
    parser.add_argument("--batch", type=int, default=8, help="pictures at once (default 8)")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument(
        "--measures", nargs="+", default=list(MEASURES), choices=MEASURES, metavar="NAME",
        help=f"of {', '.join(MEASURES)} (default all)",
    )  # fmt: skip
    parser.add_argument(
        "--generators", nargs="+", default=list(GENERATORS), metavar="NAME",
        help=f"of {', '.join(GENERATORS)} (default all); layers are told apart under the first",
    )  # fmt: skip
    parser.add_argument("--stencil", default="forward", help=f"of {', '.join(STENCILS)}")
    parser.add_argument("--group", default="cyclic-rotation", help=f"of {', '.join(GROUPS)}")
    parser.add_argument("--n", type=int, default=4, help="of the group (default 4)")
    parser.add_argument(
        "--labels", type=Path,
        help="CSV file with the columns picture and class, for accuracies; else ImageNet's synsets "
        "in the pictures' names or folders",
    )  # fmt: skip
    parser.add_argument(
        "--published", type=Path,
        help="CSV file with the columns model and error: published numbers to stand beside the "
        "measured mean absolute value of the first generator",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, default=Path("measured"), help="folder to write (default measured)"
    )
    return parser


def _run(arguments: argparse.Namespace) -> None:
    names = list(dict.fromkeys([*arguments.model, *arguments.models]))
    _check(arguments, names)
    published = report.published_errors(arguments.published) if arguments.published else {}
    files = pictures(arguments.pictures, arguments.count, arguments.seed)
    images = digest(files)
    device = choose_device(arguments.device)
    found: dict[str, dict[str, xr.Dataset]] = {}
    for name in names:
        model = _Model(name, arguments, files, device)
        found[name] = {
            measure: _kept(model, measure, arguments, images) for measure in arguments.measures
        }
    report.write(found, published, arguments)


def _check(arguments: argparse.Namespace, names: Sequence[str]) -> None:
    """Raises ConfigError or MeasureError for options that cannot be meant."""
    if not names:
        raise ConfigError("a model is missing: name one or more of timm's")
    if len(names) > 1 and arguments.weights not in ("pretrained", "hub", "package", "random"):
        raise ConfigError("--weights: a file holds the weights of one model; name one")
    for option, least in (("batch", 1), ("seed", 0), ("n", 1)):
        if getattr(arguments, option) < least:
            raise ConfigError(f"--{option}: at least {least}, not {getattr(arguments, option)}")
    if arguments.stencil not in STENCILS:
        raise ConfigError(f"--stencil: {arguments.stencil!r} is none of {', '.join(STENCILS)}")
    if arguments.group not in GROUPS:
        raise ConfigError(f"--group: {arguments.group!r} is none of {', '.join(GROUPS)}")
    for name in arguments.generators:
        check_generator(name)


class _Model:
    """A model and the pictures as it sees them, read when the first measure asks for them."""

    def __init__(
        self,
        name: str,
        arguments: argparse.Namespace,
        files: Sequence[Path],
        device: torch.device,
    ):
        self.name = name
        self._arguments, self._files, self._device = arguments, files, device
        # In single precision the released code's resampler meets pixels a rounding off, by turns.
        self._dtype = torch.float32 if device.type == "mps" else torch.float64
        self._ready: tuple[nn.Module, torch.Tensor, list[int] | None] | None = None

    def ready(self) -> tuple[nn.Module, torch.Tensor, list[int] | None]:
        """The network, the images, and the numbers of their classes where they are known."""
        if self._ready is None:
            model = timm_model(self.name, self._arguments.weights)
            transform = transform_of(model)
            read = progress(self._files, f"{self.name}: pictures")
            images = torch.stack([transform(opened(file)) for file in read])
            synsets = imagenet_synsets() if getattr(model, "num_classes", 0) == 1000 else []
            labels = labels_of(
                self._files, self._arguments.pictures, self._arguments.labels, synsets
            )
            self._ready = (
                model.to(self._device, self._dtype),
                images.to(self._device, self._dtype),
                labels,
            )
        return self._ready


Measure = Callable[[nn.Module, torch.Tensor, "list[int] | None", argparse.Namespace], xr.Dataset]


def _lie(
    model: nn.Module, images: torch.Tensor, labels: list[int] | None, given: argparse.Namespace
) -> xr.Dataset:
    parts = [
        any_model.lie_error(model, images, name, stencil=given.stencil, batch=given.batch)
        for name in progress(given.generators, "generators")
    ]
    return xr.concat(parts, dim="generator", combine_attrs="override")


def _layers(
    model: nn.Module, images: torch.Tensor, labels: list[int] | None, given: argparse.Namespace
) -> xr.Dataset:
    return any_model.layer_errors(
        model, images, given.generators[0], stencil=given.stencil, seed=given.seed, quiet=False
    )


def _stability(
    model: nn.Module, images: torch.Tensor, labels: list[int] | None, given: argparse.Namespace
) -> xr.Dataset:
    untrained = given.weights == "random"
    return any_model.relative_stability(
        model, images, seed=given.seed, batch=given.batch, batch_statistics=untrained
    )


def _invariance(
    model: nn.Module, images: torch.Tensor, labels: list[int] | None, given: argparse.Namespace
) -> xr.Dataset:
    return any_model.invariance(
        model, images, given.group, given.n, labels=None if labels is None else
        torch.tensor(labels, device=images.device), seed=given.seed, batch=given.batch,
    )  # fmt: skip


_BY_NAME: Mapping[str, Measure] = {
    "lie": _lie,
    "layers": _layers,
    "stability": _stability,
    "invariance": _invariance,
}
# What each measure's numbers depend on, beside the model, its weights, the pictures and the seed.
_READS: Mapping[str, tuple[str, ...]] = {
    "lie": ("generators", "stencil"),
    "layers": ("generators", "stencil"),
    "stability": (),
    "invariance": ("group", "n", "labels"),
}


def _kept(model: _Model, measure: str, arguments: argparse.Namespace, images: str) -> xr.Dataset:
    """One measure of one model, computed or as an earlier run with the same options left it."""
    key = _key(model.name, measure, arguments, images)
    path = arguments.out / "parts" / f"{model.name.replace('/', '-')}-{measure}-{key}.nc"
    if path.is_file():
        try:
            with xr.open_dataset(path, engine="h5netcdf") as kept:
                return kept.load()
        except (OSError, ValueError, KeyError):
            print(f"{path}: is damaged, and computed anew")
    started = time.monotonic()
    try:
        found = _BY_NAME[measure](*model.ready(), arguments)
    except MeasureError as error:
        raise MeasureError(f"{model.name}: {error}") from None
    took = duration(time.monotonic() - started)
    print(f"{model.name}: {measure} of {found.attrs['images']} pictures in {took}")
    _write(found, path)
    return found


def _key(name: str, measure: str, arguments: argparse.Namespace, images: str) -> str:
    """Ten digits of the hash of all that the numbers depend on."""
    weights = Path(arguments.weights)
    labels = arguments.labels
    parts: dict[str, Any] = {
        "model": name,
        "weights": sha256(weights) if weights.is_file() else arguments.weights,
        "pictures": images,
        "seed": arguments.seed,
        "code": code_digest([any_model.__name__]),
        **{option: getattr(arguments, option) for option in _READS[measure]},
        "labels": sha256(labels) if labels is not None and labels.is_file() else None,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:10]


def _write(found: xr.Dataset, path: Path) -> None:
    """Whole or not at all; raises DataError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(found.to_netcdf(None, engine="h5netcdf"))
        temporary.replace(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)
