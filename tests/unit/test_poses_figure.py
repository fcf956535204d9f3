"""Figure poses: networks' numbers of poses beside their kernel's."""

import json

import numpy as np
import pytest
import xarray as xr

from symlearn.papers.orbits.figures import poses
from symlearn.plots import style
from symlearn.plots.inputs import Inputs

# Where no n is enough, a median of these numbers has no spread.
pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered")

N = (2, 4, 8)
# The error of each orbit by n: the kernel's first small one is at 4, 8, 8 and never.
KERNEL = {
    2: [[0.9, 0.9], [1.2, 0.9]],
    4: [[0.4, 0.8], [1.0, 0.9]],
    8: [[0.1, 0.3], [0.4, 0.7]],
}
# That of networks at 4, 4 (fewer), 8 and 8 (fewer).
NETWORKS = {4: [[0.3, 0.2], [0.9, 0.8]], 8: [[0.2, 0.9], [0.1, 0.4]]}


def study(name, labels, dataset):
    return dataset.assign_attrs(spec=json.dumps({"study": name, "labels": labels}))


def rotations(n):
    errors = np.array(KERNEL[n])[None]  # a ridge
    of_orbits = ("ridge_factor", "task", "orbit")
    values = {
        "exact": ((*of_orbits, "pose"), errors[..., None].repeat(n, axis=-1)),
        "one_row": (of_orbits, errors),
        "one_row_reliable": (("ridge_factor", "task"), np.ones((1, 2))),
    }
    return study("rotations", {"architecture": "mlp-1", "n": n}, xr.Dataset(values))


def members(tasks):
    numbers = {"source_task": np.repeat(range(tasks), 2), "missing_orbit": np.tile([0, 1], tasks)}
    return {**{key: ("member", value) for key, value in numbers.items()},
            "seed": ("member", np.zeros(2 * tasks, dtype=int))}  # fmt: skip


def widths(n):
    """Narrow networks, the wide ones that count, and wider ones that were not trained."""
    right = 1 - np.ravel(NETWORKS[n])
    predicted = np.stack([np.zeros(4), right, np.full(4, np.nan)])
    values = {"trained_prediction": (("width", "member"), predicted), **members(2)}
    coordinates = {"width": [32, 128, 1024], "n": n}
    return study("widths", {"architecture": "mlp-1", "n": n}, xr.Dataset(values, coordinates))


def trained(n):
    """Of another architecture, and of the first pair alone."""
    losses = np.ravel(NETWORKS[n])[:2, None] ** 2
    values = {"out_loss": (("member", "epoch"), losses), **members(1)}
    labels = {"architecture": "cnn-fc-3", "n": n, "width": 64}
    return study("trained-poses", labels, xr.Dataset(values))


@pytest.fixture(scope="module")
def plotted():
    kernels = [rotations(n) for n in N]
    others = [
        study("rotations", {"architecture": "cnn-fc-3", "n": n}, one)
        for n, one in zip(N, kernels, strict=True)
    ]
    networks = [make(n) for make in (widths, trained) for n in (4, 8)]
    return poses.gather(Inputs((*kernels, *others, *networks)))


def test_networks_are_compared_with_their_kernel_on_the_same_pairs_and_numbers(plotted):
    found = {name: one.value for name, one in poses.measure(plotted).items()}
    assert found["agreement.mlp-1"] == 1
    assert found["trained_exact_at_identity.mlp-1"] == 0.5
    assert found["trained_one_row.mlp-1"] == 0.5
    assert found["trained_fewer.mlp-1"] == 0.5
    assert found["trained_more.mlp-1"] == 0
    # Of the first pair alone: one orbit as the kernel, one with fewer.
    assert found["trained_exact_at_identity.cnn-fc-3"] == 0.5
    assert found["trained_fewer.cnn-fc-3"] == 0.5


def test_the_panels_say_which_networks_they_show(plotted):
    assert "mlp-1 on 2 of the pairs, cnn-fc-3 on 1 of the pairs" in poses.caption(plotted)
    with style.applied():
        axes = poses.draw(plotted, poses.measure(plotted)).axes
    titles = [panel.get_title() for panel in axes]
    assert "mlp-1, width 128" in titles
    assert "cnn-fc-3, width 64" in titles
