"""Figure 7 from small real inputs, for each group of shifts."""

import json
from itertools import pairwise
from typing import get_args

import pytest

from symlearn.groups import action_of
from symlearn.menu.groups import ShiftGroupName
from symlearn.menu.kinds import STANDARD
from symlearn.papers.orbits import collapse, pairs
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
            if n == SIZES[-1]:
                space = collapse.compute(
                    {"group": group, "labels": {"architecture": name}}, [kernels]
                )
                found.append(answered("collapse", {"architecture": name}, space))
    return Inputs(tuple(found))


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
