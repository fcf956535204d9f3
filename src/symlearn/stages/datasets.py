"""A data set, brought in and checked."""

import functools
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import xarray as xr

from symlearn.datasets.images import LabelledImages, load_images
from symlearn.menu.lookup import module_of
from symlearn.pipeline.stage import run_stage, stage_parser


def compute(spec: Mapping[str, Any], _: list[xr.Dataset], data_root: Path | None) -> xr.Dataset:
    """The data set of a spec, as it is published, or images of one's own, which lie at the root."""
    data = (
        _own_images(spec, data_root) if "sha256" in spec else load_images(spec["name"], data_root)
    )
    channels = ("channel",) if data.levels.ndim == 4 else ()
    dims = ("image", *channels, "row", "col")
    return xr.Dataset(
        {"levels": (dims, data.levels), "label": (("image",), data.labels)},
        attrs={"maximum": data.maximum},
    )


def _own_images(spec: Mapping[str, Any], path: Path | None) -> LabelledImages:
    module = import_module(module_of("symlearn.datasets.sets", spec["name"]))
    return module.load(path, Path(), spec["sha256"])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns its exit status."""
    parser = stage_parser("datasets", "Bring a data set in, checked, as NetCDF.")
    parser.add_argument(
        "--data-root",
        type=Path,
        help="folder that holds the data sets (else: data/, else download); for images of one's "
        "own their file or folder",
    )
    arguments = parser.parse_args(argv)
    bound = functools.partial(compute, data_root=arguments.data_root)
    return run_stage("datasets", arguments, bound)
