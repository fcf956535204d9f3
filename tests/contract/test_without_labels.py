"""Networks that learn from views: objectives, problems, resuming, and what is measured of them."""

from math import comb

import numpy as np
import pytest
import torch
import xarray as xr

from symlearn.config import parse
from symlearn.datasets.orbits import make_orbits
from symlearn.menu.networks import standard_entry
from symlearn.networks.build import build
from symlearn.networks.checkpoints import Checkpoints
from symlearn.networks.ensemble import build_ensemble
from symlearn.networks.members import problem_of, train_members
from symlearn.networks.training import Run
from symlearn.networks.views import contrastive, vicreg
from symlearn.papers.orbits import transfer
from symlearn.papers.orbits.single_orbits import points_of_members
from symlearn.papers.orbits.views import pairs_of_poses

N, CLASSES, EACH, DRAWS = 4, 3, 4, 2
CPU = torch.device("cpu")
INNER = {"kind": "perceptron", "widths": [8], "dropout": 0.0}
RECIPE = {
    "optimizer": "adam", "epochs": 3, "learning_rate": 0.01, "betas": [0.9, 0.999],
    "weight_decay": 0.0, "centred": False, "batch": 20,
}  # fmt: skip


def spec_of(joint=True, objective="contrastive", inner=INNER, features=3):
    return {
        "network": {"kind": "of-views", "network": inner, "objective": objective},
        "problem": {"kind": "pairs-of-views", "partial": [0, 2], "joint": joint,
                    "features": features},
        "recipe": RECIPE,
        "seed": 1,
        "labels": {"learned_from": "all orbits, few features"},
    }  # fmt: skip


@pytest.fixture(scope="module")
def orbits():
    rng = np.random.default_rng(0)
    pixels = make_orbits(rng.random((DRAWS * CLASSES * EACH, 12, 12)), "cyclic-rotation", N)
    return xr.Dataset(
        {
            "pixels": (
                ("task", "orbit", "pose", "row", "col"),
                pixels.reshape(DRAWS, CLASSES * EACH, *pixels.shape[1:]),
            ),
            "class_": (
                ("task", "orbit"),
                np.tile(np.repeat(np.arange(CLASSES), EACH), (DRAWS, 1)),
            ),
        },
        coords={"n": N},
    )


def views(seed=0, features=3):
    z = torch.randn(2, 7, features, generator=torch.Generator().manual_seed(seed))
    return z[0].double(), z[1].double()


def test_the_contrastive_objective_is_the_spectral_contrastive_loss():
    """-2 <z, z'> in the mean over pairs, and <a, b>^2 in the mean over all pairs of views."""
    z, other = views()
    every = torch.cat([z, other])
    expected = -2 * (z * other).sum(1).mean() + ((every @ every.T) ** 2).mean()
    assert abs(contrastive(z, other) - (expected + z.shape[1])) <= 1e-12


def test_vicreg_is_its_three_terms():
    z, other = views(1)
    expected = ((z - other) ** 2).sum(1).mean()
    for view in (z, other):
        covariance = torch.from_numpy(np.cov(view.numpy().T))
        hinge = (1 - (covariance.diagonal() + 1e-4).sqrt()).relu().sum()
        apart = (covariance**2).sum() - (covariance.diagonal() ** 2).sum()
        expected = expected + hinge / 2 + apart / 2
    assert abs(vicreg(z, other) - expected) <= 1e-12


@pytest.mark.parametrize("objective", ["contrastive", "vicreg"])
def test_a_step_follows_the_objective_s_own_gradient(orbits, objective):
    spec = spec_of(objective=objective)
    problem, _ = problem_of(orbits, spec)
    problem = problem.to(CPU, torch.float32).only(slice(0, 1))
    network = build(spec["network"], problem.shape, problem.outputs, 5)
    plain = build(spec["network"], problem.shape, problem.outputs, 5)
    run = Run(build_ensemble(lambda _: network, [5], CPU), problem, RECIPE, [(0,)], 1)
    points = torch.arange(20)[None]
    outputs = run.ensemble.training_outputs(problem.seen(problem.images(points)), [])
    (outputs[..., 0] ** 2).mean(dim=1).sum().backward()
    images = problem.seen(problem.images(points))[0]
    one, other = (plain.network(images[:, [view]]) for view in (0, 1))
    plain.objective(one, other).backward()
    for name, weight in plain.named_parameters():
        found = run.ensemble.parameters[name].grad[0]
        assert torch.allclose(found, weight.grad, rtol=1e-4, atol=1e-6), name


@pytest.mark.parametrize("joint", [True, False])
def test_pairs_are_of_seen_poses_of_one_orbit_and_never_of_the_partial_class(orbits, joint):
    spec = spec_of(joint)
    problem, members = problem_of(orbits, spec)
    count = pairs_of_poses(CLASSES, EACH, N, joint=joint)
    assert [len(items) for items in problem.train] == [count] * 4
    whole = orbits["class_"].values.ravel().repeat(N)
    for member, (points, labelled, missing) in enumerate(points_of_members(orbits, spec)):
        pairs = problem.pairs[problem.train[member]].numpy()
        assert (pairs[:, 0] // N == pairs[:, 1] // N).all()
        assert (pairs[:, 0] != pairs[:, 1]).all()
        assert missing not in pairs
        assert set(pairs.ravel() // N) <= set(points[:, 0] // N)
        partial = members["missing_orbit"].values[member]
        of_class = np.unique(pairs[whole[pairs[:, 0]] == partial])
        # The partial orbit itself, and no other of its class.
        assert set(of_class) == (set(labelled[partial]) - {missing} if joint else set())
        assert members["source_task"].values[member] == missing // (CLASSES * EACH * N)
    assert comb(N, 2) * (CLASSES - 1) * (EACH - 1) == pairs_of_poses(CLASSES, EACH, N, joint=False)


def test_labelled_orbits_lack_the_missing_pose_alone(orbits):
    spec = {**spec_of(), "problem": {"kind": "single-orbits", "partial": [1]}}
    problem, _ = problem_of(orbits, spec)
    for train, out in zip(problem.train, problem.tests["out"], strict=True):
        assert len(train) == CLASSES * N - 1
        assert int(out) not in train
        assert problem.targets[out].item() == 1
        counts = np.bincount(problem.targets[train.to(torch.int64)].numpy())
        assert counts.tolist() == [N, N - 1, N]


def checkpoints(folder):
    identity = {"spec": "a", "members": "b", "code": "c", "device": "cpu"}
    return lambda label: Checkpoints(folder / label, identity, 0.0)


def trained(orbits, spec, folder, epochs=3):
    spec = {**spec, "recipe": {**spec["recipe"], "epochs": epochs}}
    problem, members = problem_of(orbits, spec)
    return train_members(problem.to(CPU, torch.float32), members, spec, CPU, checkpoints(folder))


@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_a_training_that_is_taken_up_again_ends_with_equal_bytes(orbits, name, tmp_path):
    spec = spec_of(inner=standard_entry(name))
    history, weights = trained(orbits, spec, tmp_path / "whole")
    trained(orbits, spec, tmp_path / "broken", epochs=1)
    for folder in (tmp_path / "broken").iterdir():
        assert (folder / "epoch000001.safetensors").is_file()
    again, resumed = trained(orbits, spec, tmp_path / "broken")
    assert history.equals(again)
    assert weights.keys() == resumed.keys()
    assert all(torch.equal(weights[key], resumed[key]) for key in weights)
    assert history["train_loss"].values[:, -1].mean() < history["train_loss"].values[:, 0].mean()


def test_an_invariant_network_is_off_nowhere_and_finds_every_missing_pose():
    """Features that are the orbit's number: no pose is off, and its nearest orbit is its own."""
    features = np.repeat(np.arange(5.0)[:, None, None], N, axis=1)
    hole = np.zeros((5, N), dtype=bool)
    hole[2, 0] = True
    assert transfer.off(features, hole) == (0.0, 0.0, 1.0)
    features[2, 0] = 4.0  # where the last orbit is
    between = np.sqrt(np.mean([4.0, 1.0, 1.0, 4.0]))
    assert transfer.off(features, hole) == pytest.approx((2.0 / between, 0.0, 0.0))


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("partial", [11], "without_labels.partial"),
        ("batch", 10**6, "the pairs of views of full orbits"),
        ("by_network", {"mlq": {"steps": 1}}, "'mlq' is unknown"),
    ],
)
def test_what_does_not_fit_is_told(shipped, key, value, says):
    shipped["presets"]["quick"]["without_labels"][key] = value
    faults = parse(shipped).faults(["without_labels", "self_supervised"])
    assert any(says in fault for fault in faults)
