"""Networks that are trained one at a time in bfloat16 or with channels last; the one-cycle rate."""

import functools

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from symlearn.networks.alone import Alone
from symlearn.networks.build import build
from symlearn.networks.checkpoints import Checkpoints
from symlearn.networks.ensemble import Ensemble
from symlearn.networks.problems import Problem
from symlearn.networks.training import Run

CPU = torch.device("cpu")
SMALL = {"kind": "resnet", "width": 8, "blocks": [1, 1]}
IDENTITY = {"spec": "s", "members": "0-1", "code": "c", "device": "cpu"}
LAST, HALF = {"layout": "channels-last"}, {"layout": "channels-last", "precision": "bfloat16"}
ADAM = {"optimizer": "adam", "betas": [0.9, 0.999], "learning_rate": 1e-3, "weight_decay": 0.0}


def recipe(**changes):
    sgd = {"optimizer": "sgd", "learning_rate": 0.05, "momentum": 0.9, "weight_decay": 5e-4}
    return {"epochs": 2, "centred": False, "records": 1, "schedule": "one-cycle", **sgd, **changes}


@functools.cache
def digits():
    data = load_digits()
    return torch.from_numpy(data.images[:, None] / 16).float(), torch.from_numpy(data.target)


def problem(train=256, test=768):
    images, targets = digits()
    lists = [torch.arange(train)]
    tests = {"test": [torch.arange(train, train + test)]}
    return Problem(images, None, targets, lists, tests, "cross-entropy", 10, 32, train // 32)


def run_of(how, seed=0, train=256):
    member = build(SMALL, (1, 8, 8), 10, seed)
    ensemble = Alone(member, CPU, how) if how.keys() & HALF.keys() else Ensemble([member], CPU)
    return Run(ensemble, problem(train), how, [(seed,)], seed=0)


def weights(run):
    return {name: value.clone() for name, value in run.ensemble.state().items()}


@pytest.mark.parametrize("optimiser", [{}, ADAM])
def test_channels_last_gives_the_same_network_to_rounding(optimiser):
    plain, last = run_of(recipe(**optimiser)), run_of(recipe(**optimiser, **LAST))
    filters = last.ensemble.parameters["stage2.0.conv1.weight"][0]
    assert filters.is_contiguous(memory_format=torch.channels_last)
    for run in (plain, last):
        run.train(quiet=True)
    for name, value in weights(plain).items():
        assert torch.allclose(weights(last)[name], value, atol=2e-4, rtol=1e-3), name


def test_bfloat16_rounds_products_and_keeps_weights_and_measurements_in_float32():
    half, plain = run_of(recipe(**HALF)), run_of(recipe(**LAST))
    images = problem().images(torch.arange(64)[None])
    assert torch.equal(half.ensemble.outputs(images), plain.ensemble.outputs(images))
    rounded, exact = (r.ensemble.training_outputs(images, []).detach() for r in (half, plain))
    difference = (rounded - exact).norm() / exact.norm()
    assert 2**-11 < difference < 2**-4  # a factor has 8 bits
    half.train(quiet=True)
    kinds = {value.dtype for value in half.state().values() if value.is_floating_point()}
    assert kinds == {torch.float32, torch.float64}  # float64: the history
    assert rounded.dtype == torch.float32


def test_accuracies_over_seeds_agree_between_bfloat16_and_float32():
    def accuracies(**how):
        runs = [run_of(recipe(epochs=6, **how), seed, train=1024) for seed in range(5)]
        return np.array([float(run.train(quiet=True)["test_accuracy"][0, -1]) for run in runs])

    half, plain = accuracies(**HALF), accuracies()
    spread = np.hypot(half.std(ddof=1), plain.std(ddof=1)) / np.sqrt(len(half))
    assert plain.mean() > 0.85
    assert abs(half.mean() - plain.mean()) < 3 * max(spread, 0.003)


@pytest.mark.parametrize("how", [LAST, HALF, {**HALF, **ADAM}])
def test_a_run_that_is_taken_up_again_ends_with_the_same_bytes(tmp_path, how):
    whole = run_of(recipe(epochs=4, **how))
    whole.train(quiet=True)
    first = run_of(recipe(epochs=4, **how))
    first._record()
    for _ in range(2):
        first._one_epoch()
        first.epoch += 1
    Checkpoints(tmp_path, IDENTITY, 0.0).keep(first, last=True)
    again = run_of(recipe(epochs=4, **how))
    again.train(Checkpoints(tmp_path, IDENTITY, 0.0), quiet=True)
    for name, value in weights(whole).items():
        assert torch.equal(weights(again)[name], value), name


def test_the_rate_of_one_cycle_rises_over_a_fifth_and_falls_to_zero():
    run = run_of(recipe(epochs=10))
    found = []
    for run.epoch in range(10):
        for step in range(run.problem.steps):
            run._set_rate(step)
            found.append(run._optimizer.param_groups[0]["lr"])
    steps = np.arange(len(found)) / len(found)
    assert found == pytest.approx(0.05 * np.interp(steps, [0, 0.2, 1], [0.05, 1, 0]))
