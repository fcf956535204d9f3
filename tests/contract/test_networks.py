"""Networks of finite width against their kernels, and ensembles against one network at a time."""

import dataclasses
import functools

import numpy as np
import pytest
import torch
import xarray as xr

from symlearn.datasets.orbits import rotation_orbits
from symlearn.kernels import gram
from symlearn.menu.kinds import STANDARD
from symlearn.menu.layers import layers_of
from symlearn.menu.networks import STANDARD as NETWORKS
from symlearn.menu.networks import standard_entry
from symlearn.networks import on_orbits
from symlearn.networks.build import build
from symlearn.networks.ensemble import Ensemble, build_ensemble
from symlearn.networks.ntk import from_layers
from symlearn.networks.training import Run

from .helpers import TOLERANCE, difference, leave_out, pair_labels

CPU = torch.device("cpu")
SIDE = 12
PARAMETERS = {"mlp": 468_864, "cnn": 215_194, "vit": 797_482}  # at 28 x 28 pixels, by hand


def recipe(optimizer="adam", **changes):
    common = {"epochs": 3, "centred": False, "learning_rate": 1e-3, "optimizer": optimizer}
    if optimizer == "adam":
        common |= {"betas": [0.7, 0.9], "weight_decay": 0.1}
    return {**common, "momentum": 0.9, **changes}


def images(count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 1, SIDE, SIDE, generator=generator)


def problem(members, dtype, items=40, batch=8):
    """Random images, classes and lists; the members' lists differ in length."""
    rng = np.random.default_rng(1)
    lists = [torch.from_numpy(rng.permutation(60)[: items + m]) for m in range(members)]
    tests = [torch.from_numpy(rng.permutation(60)[: 5 + m]) for m in range(members)]
    return on_orbits.Problem(
        pixels=images(60),
        scale=torch.linspace(0.5, 1.5, 60),
        targets=torch.from_numpy(rng.integers(10, size=60)),
        train=lists,
        tests={"train": lists, "out": tests},
        loss="cross-entropy",
        outputs=10,
        batch=batch,
        steps=items // batch,
    ).to(CPU, dtype)


def trained(name, members, part, dtype):
    make = functools.partial(build, standard_entry(name), (1, SIDE, SIDE), 10)
    ensemble = Ensemble([make(m).to(dtype) for m in range(members)[part]], CPU)
    names = [(m,) for m in range(members)[part]]
    run = Run(ensemble, problem(members, dtype).only(part), recipe(), names, seed=3)
    history = run.train(quiet=True)
    return ensemble.state(), history


@pytest.mark.parametrize("name", ["mlp", "cnn", "vit-48", "resnet8-8", "mlp-256-pooled"])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_an_ensemble_trains_each_network_as_if_it_were_alone(name, precision):
    dtype = getattr(torch, precision)
    together, history = trained(name, 3, slice(0, 3), dtype)
    for member in range(3):
        alone, alone_history = trained(name, 3, slice(member, member + 1), dtype)
        for key, value in alone.items():
            found = difference(together[key][member], value[0])
            assert found < TOLERANCE[precision]["ensemble"], key
        for key, value in alone_history.items():
            found = difference(history[key][member], value[0])
            assert found < TOLERANCE[precision]["ensemble"], key


@pytest.mark.parametrize("name", PARAMETERS)
def test_number_of_parameters(name):
    network = build(standard_entry(name), (1, 28, 28), 10, seed=0)
    assert sum(p.numel() for p in network.parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_start_from_their_seed_alone(name):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, second, other = (build(standard_entry(name), (1, 28, 28), 10, s) for s in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    pairs = list(zip(first.parameters(), second.parameters(), other.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b, _ in pairs)
    assert not all(torch.equal(a, c) for a, _, c in pairs)


def empirical_ntk(network, x):
    """The tangent kernel of one network between images."""
    parameters = dict(network.named_parameters())

    def outputs(values):
        return torch.func.functional_call(network, values, (x,))[:, 0]

    jacobian = torch.func.jacrev(outputs)(parameters)
    flat = torch.cat([part.flatten(1) for part in jacobian.values()], dim=1)
    return (flat @ flat.T).detach().numpy()


WIDE = {"mlp-1": 2048, "mlp-5": 384, "cnn-fc-3": 256, "cnn-gap-3": 512}


@pytest.mark.parametrize("name", WIDE)
def test_wide_networks_have_the_analytic_kernel(name):
    """The mean of drawn kernels is within 5 standard errors of the analytic one, entry by entry.

    Finite width adds a bias of order 1 / width, which is far below that error here.
    """
    draws = 16
    x = rotation_orbits(np.random.default_rng(0).random((2, 8, 8)), 4).reshape(8, 8, 8)
    points = torch.from_numpy(x)[:, None]
    found = []
    for seed in range(draws):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = from_layers(layers_of(name), (1, 8, 8), 1, WIDE[name]).double()
        found.append(empirical_ntk(network, points))
    expected = gram(name, x)
    error = np.std(found, axis=0, ddof=1) / np.sqrt(draws)
    assert (error < 0.05 * np.diag(expected).max()).all()
    assert (np.abs(np.mean(found, axis=0) - expected) < 5 * error).all()


def pairs_dataset(tasks, n=4, seed=0):
    pixels = rotation_orbits(np.random.default_rng(seed).random((2 * tasks, 8, 8)), n)
    dims = ("task", "orbit", "pose", "row", "col")
    return xr.Dataset({"pixels": (dims, pixels.reshape(tasks, 2, n, 8, 8))})


def pairs_spec(in_coordinates, width=64, steps=50, epochs=2):
    changes = {"learning_rate": 0.25, "momentum": 0.95, "centred": True, "epochs": epochs}
    return {
        "network": {"kind": "ntk", "architecture": STANDARD["mlp-1"], "width": width},
        "problem": {"in_coordinates": in_coordinates, "seeds": 1, "steps": steps},
        "recipe": recipe("gradient-descent", **changes),
    }


def run_pairs(dataset, spec, networks):
    chosen = on_orbits.pairs(dataset, spec).to(CPU, torch.float64)
    run = Run(
        Ensemble(networks, CPU), chosen, spec["recipe"], [(m,) for m in range(len(networks))], 0
    )
    return run.train(quiet=True)


def test_coordinates_of_the_span_are_as_good_as_pixels():
    """From first layers that agree on the span, gradient descent gives the same errors."""
    dataset = pairs_dataset(1)
    spec = pairs_spec(in_coordinates=False)
    points = dataset["pixels"].values.reshape(8, 64)
    basis = np.linalg.svd(points, full_matrices=False)[2]  # (axis, pixel)
    on_pixels = [build(spec["network"], (1, 8, 8), 1, seed).double() for seed in range(2)]
    on_axes = [build(spec["network"], (1, 1, 8), 1, seed).double() for seed in range(2)]
    for full, reduced in zip(on_pixels, on_axes, strict=True):
        reduced.load_state_dict({**full.state_dict(), "1.weight": reduced.state_dict()["1.weight"]})
        with torch.no_grad():
            reduced[1].weight.copy_(torch.from_numpy(basis) @ full[1].weight)
    expected = run_pairs(dataset, spec, on_pixels)
    found = run_pairs(dataset, pairs_spec(in_coordinates=True), on_axes)
    for name, values in expected.items():
        assert difference(found[name], values) < 1e-9, name
    # Without training there would be nothing to compare.
    assert (expected["train_loss"][:, -1] < 0.5 * expected["train_loss"][:, 0]).all()


def test_small_labels_are_fitted_by_kernel_regression():
    """Gradient descent from centred outputs, with the network's own tangent kernel.

    Labels of 1e-7 keep a network of any width in the lazy regime: no unit changes its sign at a
    point. Errors are in the units of the labels.
    """
    dataset, small = pairs_dataset(2), 1e-7
    spec = pairs_spec(in_coordinates=True, width=64, steps=100, epochs=15)
    networks = [build(spec["network"], (1, 1, 8), 1, seed).double() for seed in range(4)]
    points = on_orbits.coordinates(dataset["pixels"].values.reshape(2, 8, 64)).reshape(
        2, 8, 1, 1, 8
    )
    cases = zip(networks, [(0, 0), (0, 4), (1, 0), (1, 4)], strict=True)
    expected = [
        leave_out(empirical_ntk(network, torch.from_numpy(points[task])), pair_labels(4), [missing])
        for network, (task, missing) in cases
    ]
    labelled = on_orbits.pairs(dataset, spec).to(CPU, torch.float64)
    scaled = dataclasses.replace(labelled, targets=small * labelled.targets)
    run = Run(Ensemble(networks, CPU), scaled, spec["recipe"], [(m,) for m in range(4)], 0)
    history = run.train(quiet=True)
    found = history["out_loss"][:, -1].sqrt().numpy() / small
    assert (history["train_loss"][:, -1] < 1e-10 * small**2).all()
    assert difference(found, np.abs(expected)[:, 0]) < 1e-3
    assert np.ptp(found) > 0.05  # or there would be little to agree on


def test_a_large_ensemble_and_a_small_one_draw_the_same_networks():
    make = functools.partial(build, standard_entry("mlp"), (1, SIDE, SIDE), 10)
    few, many = build_ensemble(make, [1, 2], CPU), build_ensemble(make, [0, 1, 2], CPU)
    for name, value in few.state().items():
        assert torch.equal(value, many.state()[name][1:])
