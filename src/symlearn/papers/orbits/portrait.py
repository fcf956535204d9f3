"""Two orbits in principal components of pixel space, for the picture of curled loops."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

_COMPONENTS = 3
_SHOWN = 8  # poses that are kept as images


def compute(spec: Mapping[str, Any], inputs: list[xr.Dataset]) -> xr.Dataset:
    """Scores (orbit, pose, component), the components as images, and the seed images."""
    (orbits,) = inputs
    poses = orbits.sizes["pose"]
    pixels = orbits["pixels"].isel(task=0)
    flat = pixels.values.reshape(-1, pixels.sizes["row"] * pixels.sizes["col"])
    centred = flat - flat.mean(axis=0)
    left, scale, components = np.linalg.svd(centred, full_matrices=False)
    components = components[:_COMPONENTS]
    scores = (left * scale)[:, :_COMPONENTS]
    # A component's sign is arbitrary: the first pose gets a positive score. The largest pixel would
    # not tell, since a component that half a turn negates has two of opposite signs.
    sign = np.sign(scores[0])
    shape = (_COMPONENTS, pixels.sizes["row"], pixels.sizes["col"])
    return xr.Dataset(
        {
            "component_score": (
                ("orbit", "pose", "component"),
                (scores * sign).reshape(2, -1, _COMPONENTS),
            ),
            "component_image": (
                ("component", "row", "col"),
                (components * sign[:, None]).reshape(shape),
            ),
            "explained": ("component", (scale**2 / (scale**2).sum())[:_COMPONENTS]),
            "pixels": pixels.isel(pose=np.arange(_SHOWN) * poses // _SHOWN).rename(pose="shown"),
            "class_": orbits["class_"].isel(task=0),
        }
    ).assign_attrs(spec["labels"])
