import json

import numpy as np
import pytest
import xarray as xr

from symlearn.papers.orbits.figures import fig1, fig12
from symlearn.papers.orbits.figures.trained import histories, pair_errors
from symlearn.plots.inputs import Inputs


def job(tasks, errors, n=4, first=0):
    """A job's networks: two for each of its tasks, with their numbers in the study."""
    members = np.arange(2 * tasks)
    squares = np.stack([np.ones(2 * tasks), np.square(errors)], axis=1)
    return xr.Dataset(
        {
            "out_loss": (("member", "epoch"), squares),
            "source_task": ("member", first + members // 2),
            "missing_orbit": ("member", members % 2),
            "seed": ("member", np.zeros(2 * tasks, dtype=int)),
        },
        attrs={"spec": json.dumps({"labels": {"n": n}})},
    )


def test_pairs_of_several_jobs_keep_their_own_errors():
    """The second job's first task is the third of all; another n starts from the first again."""
    jobs = [job(2, [1, 2, 3, 4]), job(1, [5, 6], first=2), job(3, np.arange(7, 13), n=8)]
    cells = histories(jobs, "n")
    found = [pair_errors(cells.isel(cell=i))[:, :, 0] for i in (0, 1)]
    np.testing.assert_allclose(found[0], [[1, 2], [3, 4], [5, 6]])
    np.testing.assert_allclose(found[1], [[7, 8], [9, 10], [11, 12]])


def networks_of(name, classes, epochs, n, out):
    """A cell of figure 1: one network for each class left out, with constant accuracies."""
    members = len(classes)
    curves = (("member", "epoch"), np.full((members, epochs + 1), 0.9))
    left = (("member", "epoch"), np.full((members, epochs + 1), out))
    labels = {"network": name, "n": n, "images": 100 * len(name)}
    return xr.Dataset(
        {
            "train_accuracy": curves, "in_accuracy": curves, "out_accuracy": left,
            "left_out": ("member", classes), "seed": ("member", [0] * members),
            "levels": (("pose", "row", "col"), np.eye(4)[None].repeat(n, axis=0)),
        },
        coords={"epoch": np.arange(epochs + 1)},
        attrs={"spec": json.dumps({"study": "partial", "labels": labels})},
    )  # fmt: skip


def test_networks_of_figure_1_may_differ_in_epochs_classes_and_n():
    """The mlp leaves out three classes over four epochs, the cnn two over nine and at one n."""
    cells = [
        networks_of("mlp", [3, 5, 7], 4, 2, 0.1), networks_of("mlp", [3, 5, 7], 4, 8, 0.5),
        networks_of("cnn", [5, 7], 9, 8, 0.3),
    ]  # fmt: skip
    plotted = fig1.gather(Inputs(tuple(cells)))
    measured = fig1.measure(plotted)
    assert measured["out_accuracy.mlp.n8"].value == pytest.approx(0.5)
    assert measured["gap_closed.mlp"].value == pytest.approx(0.4)
    assert measured["gap.cnn.n8"].value == pytest.approx(0.6)
    caption = fig1.caption(plotted)
    assert "mlp on 300 images over 4 epochs, leaving out 3, 5, 7" in caption
    assert "cnn on 300 images over 9 epochs, leaving out 5, 7" in caption


def test_figure_12_measures_each_step_from_the_analytic_limit():
    """Two pairs of two networks each; the widest width is linearised alone."""
    limit = np.array([1.0, 1.0, -0.2, -0.2])
    by_width = {
        "trained_prediction": [limit + 0.1, limit + 0.3, np.full(4, np.nan)],
        "tangent_start": [limit + 0.4, limit - 0.6, limit + 0.1],
        "tangent_end": [limit + 0.2, limit + 0.2, np.full(4, np.nan)],
        "smallest_eigenvalue": [np.full(4, 0.5), np.full(4, 1.0), np.full(4, 2.0)],
        "train_loss": [np.full(4, 0.01), np.full(4, 0.02), np.full(4, np.nan)],
    }
    here = xr.Dataset(
        {name: (("width", "member"), np.array(rows)) for name, rows in by_width.items()}
        | {
            "limit": ("member", limit), "descent": ("member", limit + 0.05),
            "smallest_eigenvalue_analytic": ("member", np.full(4, 2.0)),
            "source_task": ("member", [0, 0, 1, 1]),
        },
        coords={"width": [32, 64, 65536]},
    )  # fmt: skip
    measured = fig12.measure({"n4": here})
    expected = {
        "distance_descent.n4": 0.05, "distance_trained_prediction.n4.width32": 0.1,
        "distance_tangent_start.n4.width65536": 0.1, "distance_over_linearised_widest.n4": 0.5,
        "distance_ratio.n4": 3.0, "smallest_eigenvalue_narrowest.n4": 0.25,
        "accuracy_kernel.n4": 0.5, "accuracy_gain_narrowest.n4": 0.0,
        "accuracy_gain_widest.n4": 0.5, "largest_median_loss": 0.02,
    }  # fmt: skip
    assert {name: measured[name].value for name in expected} == pytest.approx(expected)
    assert "distance_trained_prediction.n4.width65536" not in measured
