"""A data set, brought in and checked."""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from symlearn.datasets.images import load_images
from symlearn.pipeline.stage import run_stage, stage_parser


def compute(spec: Mapping[str, Any], _: list[xr.Dataset], data_root: Path | None) -> xr.Dataset:
    """The data set of a spec, as it is published."""
    data = load_images(spec["name"], data_root)
    channels = ("channel",) if data.levels.ndim == 4 else ()
    dims = ("image", *channels, "row", "col")
    return xr.Dataset(
        {"levels": (dims, data.levels), "label": (("image",), data.labels)},
        attrs={"maximum": data.maximum},
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns its exit status."""
    parser = stage_parser("datasets", "Bring a data set in, checked, as NetCDF.")
    parser.add_argument(
        "--data-root",
        type=Path,
        help="folder that holds the data sets (else: data/, else download)",
    )
    arguments = parser.parse_args(argv)
    bound = functools.partial(compute, data_root=arguments.data_root)
    return run_stage("datasets", arguments, bound)
