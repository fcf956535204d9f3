"""Figure 7 from small real inputs, for each group of shifts."""

import json
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest

from symlearn.datasets.orbits import make_orbits
from symlearn.groups import action_of
from symlearn.menu.groups import ShiftGroupName
from symlearn.menu.kinds import STANDARD
from symlearn.papers.orbits import collapse, pairs, softness
from symlearn.papers.orbits.figures import fig7
from symlearn.plots import style
from symlearn.plots.inputs import Inputs
from symlearn.stages import orbits as orbits_stage
from symlearn.stages.datasets import compute as read_dataset
from symlearn.stages.kernels import compute as compute_kernels

# Where orbits collapse, a kernel without a ridge has eigenvalues of zero.
pytestmark = pytest.mark.filterwarnings("ignore:divide by zero")

SIZES = (2, 3)
FACTORS = [1e-5, 1e-9, 1e-3]  # in no order
TASK = {"draw": "pairs", "seed": 0, "start": 0, "stop": 3, "classes": 2, "seeds_per_class": 1}


def inputs_of(group):
    digits = read_dataset({"name": "digits"}, [], None)
    found = []
    for n in SIZES:
        spec = {"group": group, "n": n, "task": TASK}
        spec["preparation"] = {"upsampling": 1, "padding": 2}
        orbits = orbits_stage.compute(spec, [digits])
        for name in ("cnn-fc-3", "cnn-gap-3"):
            kernel = {"architecture": STANDARD[name], "group": group, "kind": "ntk"}
            kernels = compute_kernels({**kernel, "precision": "float64"}, [orbits])
            labels = {"architecture": name, "n": n}
            settings = {"group": group, "ridge_factors": FACTORS, "labels": labels}
            found.append(answered("shifts", labels, pairs.compute(settings, [kernels, orbits])))
            if n == SIZES[-1] and name == "cnn-fc-3":
                soft = {**soft_settings(group, n), "labels": labels}
                found.append(
                    answered("softness", labels, softness.compute(soft, [kernels, orbits]))
                )
            if n == SIZES[-1]:
                space = collapse.compute(
                    {"group": group, "labels": {"architecture": name}}, [kernels]
                )
                found.append(answered("collapse", {"architecture": name}, space))
    return Inputs(tuple(found))


def soft_settings(group, n):
    network = {"kind": "ntk", "architecture": STANDARD["cnn-fc-3"], "width": 256}
    return {
        "group": group, "shares": [0.0, 0.5, 0.9], "network": network, "networks": 2,
        "tied": {"kind": "orbit-averaged", "network": network, "group": group, "n": n},
        "first_task": 0, "seed": 0,
    }  # fmt: skip


def answered(study, labels, dataset):
    return dataset.assign_attrs(spec=json.dumps({"study": study, "labels": labels}))


@pytest.fixture(scope="module", params=get_args(ShiftGroupName))
def plotted(request):
    return fig7.gather(inputs_of(request.param)), request.param


def test_the_ridge_alone_makes_the_error_of_collapsed_orbits(plotted):
    """N in the floor is the number of poses, of which shifts along both axes have n^2."""
    datasets, group = plotted
    measured = fig7.measure(datasets)
    for n in SIZES:
        assert measured[f"floor_difference.cnn-gap-3.n{n}"].value <= 1e-3
    poses = [len(action_of(group).group(int(n))) for n in datasets["pairs"]["n"]]
    assert datasets["pairs"]["poses"].values.tolist() == poses


def test_the_smallest_ridge_comes_first_whatever_the_config_s_order(plotted):
    datasets, _ = plotted
    cells = datasets["pairs"]
    assert cells["ridge_factor"].values.tolist() == sorted(FACTORS)
    ridges = cells["ridge"].transpose("ridge_factor", ...).values
    assert all((low < high).all() for low, high in pairwise(ridges))
    assert f"ridge of {min(FACTORS):g} of the trace" in fig7.caption(datasets)


def test_caption_and_axes_name_the_shifts(plotted):
    datasets, group = plotted
    moves = action_of(group).moves
    assert fig7.caption(datasets).startswith(f"The orbits are {moves}, ")
    with style.applied():
        figure = fig7.draw(datasets, fig7.measure(datasets))
        axes = figure.axes
    assert [panel.get_xlabel() for panel in axes].count(f"{moves} N") == 1
    drawn = next(panel for panel in axes if panel.get_xlabel() == f"{moves} N").containers[0]
    assert drawn[0].get_xdata().tolist() == [len(action_of(group).group(n)) for n in SIZES]


def test_poses_are_joined_only_where_they_follow_each_other(plotted):
    datasets, group = plotted
    with style.applied():
        axes = fig7.draw(datasets, fig7.measure(datasets)).axes[0]
    joined = [line for line in axes.lines if line.get_linestyle() != "None"]
    assert len(joined) == (2 if group == "cyclic-shift" else 0)


def test_tying_to_a_share_lowers_the_error_as_the_closed_form_says(plotted):
    """Networks of finite width, one tied by `networks.tied`, have it nearly."""
    datasets, _ = plotted
    measured = fig7.measure(datasets)
    for share in ("0", "0.5", "0.9"):
        assert measured[f"soft_difference.s{share}"].value <= 1e-10
        assert abs(measured[f"soft_networks.s{share}"].value - 1) <= 0.3
    assert measured["soft_left.s0.9"].value < measured["soft_left.s0.5"].value < 1


def test_the_tied_network_s_kernel_is_the_plain_one_s_average_over_both_orbits():
    """Of the same weights: an average over the poses of both points, to rounding."""
    group, n = "cyclic-shift", 4
    plain = {"kind": "ntk", "architecture": STANDARD["cnn-fc-3"], "width": 3}
    averaged = {"kind": "orbit-averaged", "network": plain, "group": group, "n": n}
    images = np.random.default_rng(0).standard_normal((2, 8, 8))
    orbits = make_orbits(images, group, n)
    grams = [softness.tangents(entry, orbits, seed=3) for entry in (plain, averaged)]
    blocks = grams[0].reshape(2, n, 2, n).mean(axis=(1, 3))
    assert np.abs(grams[1] - blocks.repeat(n, 0).repeat(n, 1)).max() <= 1e-12 * np.abs(blocks).max()
