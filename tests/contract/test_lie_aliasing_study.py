"""The study of aliasing and what its figure measures: closed forms met, orders as predicted."""

import numpy as np
import pytest

from symlearn.papers.lie.aliasing import compute
from symlearn.papers.lie.figures import lie_aliasing as figure
from symlearn.pipeline import store

SPEC = {"seed": 3, "pixels": 11, "draws": 4, "phases": 500}


@pytest.fixture(scope="module")
def found():
    return compute(SPEC, [])


@pytest.fixture(scope="module")
def measured(found):
    return {name: m.value for name, m in figure.measure({"aliasing": found}).items()}


def test_it_can_be_stored(found, tmp_path):
    store.write(found, tmp_path / "study.nc", {"stage": "studies"})
    assert set(store.read(tmp_path / "study.nc").variables) == set(found.variables)


@pytest.mark.parametrize("name", ["stride", "average", "binomial-3", "binomial-5", "ideal"])
def test_filters_meet_their_closed_form(measured, name):
    assert measured[f"down_sampling.difference.{name}"] <= 1e-12


@pytest.mark.parametrize(("name", "tolerance"), [("square", 1e-7), ("tanh", 1e-3), ("gelu", 0.01)])
def test_activations_meet_the_closed_form_of_their_harmonics(measured, name, tolerance):
    assert measured[f"activation.difference.{name}"] <= tolerance


def test_nothing_aliases_below_the_limit_and_strides_do_above(found):
    errors = found["down_sampling_error"].sel(down_sampling="stride").mean("image")
    below = found["band"] < SPEC["pixels"] / 2
    assert errors[below].max() <= 1e-12
    assert errors[~below].min() > 0.5


def test_better_filters_alias_less(measured):
    order = ["ideal", "binomial-5", "binomial-3", "average", "stride"]
    errors = [measured[f"down_sampling.error.{name}"] for name in order]
    assert errors == sorted(errors)


def test_cosines_meet_their_closed_form(measured):
    assert measured["wave.difference"] <= 0.03
    assert measured["wave.difference_of_divisors"] > 0


def test_the_maximum_has_no_closed_form(found):
    assert np.isnan(found["down_sampling_predicted"].sel(down_sampling="max")).all()
