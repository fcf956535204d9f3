"""Between finite networks and the analytic kernel: descent, tangent kernels, and the study."""

import json

import numpy as np
import pytest
import torch
import xarray as xr

from symlearn.kernels import gram
from symlearn.menu.kinds import STANDARD
from symlearn.menu.layers import layers_of
from symlearn.networks.build import build
from symlearn.networks.ntk import from_layers
from symlearn.networks.on_orbits import coordinates
from symlearn.networks.tangent_kernel import tangent_gram
from symlearn.papers.orbits import tangents
from symlearn.pipeline.provenance import weights_of
from symlearn.randomness import seed_of
from symlearn.theory.descent import descended

from .helpers import difference, leave_out, pair_labels, random_gram, relative_difference, train
from .test_networks import empirical_ntk, pairs_dataset

STEPS, RATE, MOMENTUM = 40, 0.2, 0.9
WIDTHS, WIDEST = [8, 16384], 65536


def explicit(features, labels, steps):
    """PyTorch's own descent on a linear model: its prediction at the last point."""
    x, y = torch.from_numpy(features), torch.from_numpy(labels)
    weights = torch.zeros(x.shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([weights], RATE, momentum=MOMENTUM)
    for _ in range(steps):
        optimizer.zero_grad()
        ((x[:-1] @ weights - y[:-1]) ** 2).mean().backward()
        optimizer.step()
    return float(x[-1] @ weights.detach())


@pytest.mark.parametrize("steps", [1, 2, 7, 300])
def test_descent_on_a_kernel_is_that_of_a_linear_model(steps):
    matrices = np.stack([random_gram(6, seed) for seed in (0, 1)])
    labels = np.random.default_rng(0).normal(size=(2, 6))
    features = [np.linalg.cholesky(matrix) for matrix in matrices]
    expected = [explicit(x, y, steps) for x, y in zip(features, labels, strict=True)]
    found = descended(matrices, labels, steps, RATE, MOMENTUM)
    assert difference(found, expected) <= 1e-12
    regression = labels[0, -1] - leave_out(matrices[0], labels[0], [5])[0]
    assert (abs(found[0] - regression) < 1e-6) == (steps == 300)


@pytest.mark.parametrize("name", ["mlp-1", "mlp-5"])
def test_the_tangent_kernel_is_that_of_all_gradients(name):
    torch.manual_seed(0)
    network = from_layers(layers_of(name), (1, 3, 3), 1, 16).double()
    points = torch.randn(5, 1, 3, 3, dtype=torch.float64)
    found = tangent_gram(network, points)
    assert relative_difference(found, empirical_ntk(network, points)) <= 1e-13
    assert all(parameter.grad is None for parameter in network.parameters())


def test_the_tangent_kernel_of_other_layers_is_refused():
    network = from_layers(layers_of("cnn-gap-3"), (1, 6, 6), 1, 4).double()
    with pytest.raises(TypeError, match="NtkConvolution is no dense layer"):
        tangent_gram(network, torch.zeros(2, 1, 6, 6, dtype=torch.float64))


@pytest.fixture(scope="module")
def orbits():
    return pairs_dataset(2)


@pytest.fixture(scope="module")
def found(orbits, tmp_path_factory):
    """The study of two pairs at two widths that are trained, and at one that is not."""
    folder = tmp_path_factory.mktemp("widths")
    specs = [spec_at(width) for width in WIDTHS]
    paths = [folder / f"width{spec['network']['width']}.nc" for spec in specs]
    histories = [
        train(spec, [orbits], out=path).assign_attrs(spec=json.dumps(spec))
        for spec, path in zip(specs, paths, strict=True)
    ]
    points = orbits["pixels"].values.reshape(2, 8, 8, 8)
    grams = np.stack([gram("mlp-1", images) for images in points])
    kernels = xr.Dataset({"gram": (("task", "point", "other"), grams)}, coords={"n": 4})
    spec = {"linearised": [WIDEST], "labels": {"architecture": "mlp-1", "n": 4}}
    weights = [weights_of(path) for path in paths]
    return tangents.compute(spec, [*histories, kernels, orbits], weights), grams


def spec_at(width):
    recipe = {
        "optimizer": "gradient-descent", "epochs": 2, "learning_rate": RATE, "momentum": MOMENTUM,
        "centred": True,
    }  # fmt: skip
    problem = {"kind": "pairs", "in_coordinates": True, "first_task": 0, "seeds": 1}
    return {
        "stage": "networks",
        "network": {"kind": "ntk", "architecture": STANDARD["mlp-1"], "width": width},
        "problem": {**problem, "steps": STEPS // 2},
        "recipe": recipe, "seed": 3, "labels": {"n": 4, "width": width},
    }  # fmt: skip


def arranged(points, orbit):
    """The points and labels of a pair, with the first pose of an orbit last."""
    order = [*np.delete(np.arange(8), 4 * orbit), 4 * orbit]
    return points[order], pair_labels(4)[order]


def test_the_study_has_every_member_at_every_width(found):
    result, _ = found
    assert result["width"].values.tolist() == [*WIDTHS, WIDEST]
    assert result["source_task"].values.tolist() == [0, 0, 1, 1]
    assert result["missing_orbit"].values.tolist() == [0, 1, 0, 1]
    trained = result["trained_prediction"].notnull().all("member")
    assert trained.values.tolist() == [True, True, False]


def test_the_limit_is_regression_with_the_analytic_kernel(found):
    result, grams = found
    expected = [
        1 - leave_out(matrix, pair_labels(4), [4 * orbit])[0] * pair_labels(4)[4 * orbit]
        for matrix in grams
        for orbit in range(2)
    ]
    assert difference(result["limit"], expected) <= 1e-10


def test_before_training_a_network_is_linearised_at_its_own_weights(found, orbits):
    """Descent on the features of the network that the seed gives, by PyTorch."""
    result, _ = found
    points = coordinates(orbits["pixels"].values.reshape(2, 8, 64)).reshape(2, 8, 1, 1, -1)
    for width in (WIDTHS[0], WIDEST):
        for member, (task, orbit) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
            seed = seed_of(3, "weights", task, orbit, 0)
            network = build(spec_at(width)["network"], (1, 1, 8), 1, seed).double()
            x, y = arranged(points[task], orbit)
            kernel = empirical_ntk(network, torch.from_numpy(x))
            features = np.linalg.cholesky(kernel + 1e-13 * np.trace(kernel) * np.eye(8))
            expected = explicit(features, y, STEPS) * y[-1]
            here = result["tangent_start"].sel(width=width)[member]
            assert difference(here, expected) <= 1e-9


def test_wide_networks_move_little_from_their_linearisation_and_narrow_ones_much(found):
    result, _ = found
    moved = abs(result["trained_prediction"] - result["tangent_start"]).mean("member")
    narrow, wide = moved.values[:2]
    assert wide < 0.5 * narrow


def test_a_wide_linearised_network_is_near_descent_on_the_analytic_kernel(found):
    result, _ = found
    off = abs(result["tangent_start"] - result["descent"]).mean("member")
    assert off.sel(width=WIDEST) < 0.3 * off.sel(width=WIDTHS[0])
    ratio = result["smallest_eigenvalue"] / result["smallest_eigenvalue_analytic"]
    assert ratio.sel(width=WIDEST).min() > ratio.sel(width=WIDTHS[0]).max()
