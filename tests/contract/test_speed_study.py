"""The study of speed: what it times, and that what is fitted to known times is known."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from symlearn.config import load
from symlearn.papers.speed import timings as speed
from symlearn.papers.speed.figures import speed as figure
from symlearn.stages.datasets import compute as read_dataset
from symlearn.wings import studies

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def digits():
    return read_dataset({"name": "digits"}, [], None)


def timed(power, sizes=(1, 2, 4, 8)):
    """Measurements whose seconds are a power of the size, on one core and, half, on two."""
    rows = [
        (work, axis, size, cores, float(size) ** power / cores)
        for work, axes in speed.PREDICTED.items()
        for axis in axes
        for size in sizes
        for cores in ((1, 2) if work == "job" else (1,))
    ]
    names = ("work", "axis", "size", "cores", "seconds")
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    return xr.Dataset({name: ("measurement", np.array(c)) for name, c in columns.items()})


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_fitted_powers_are_those_of_the_times(power):
    measured = figure.measure({"speed": timed(power)})
    fitted = {name: one.value for name, one in measured.items() if name.startswith("exponent")}
    assert len(fitted) == sum(map(len, speed.PREDICTED.values()))
    assert list(fitted.values()) == pytest.approx([power] * len(fitted))
    assert measured["speed_up"].value == pytest.approx(2)


def test_every_work_is_timed_by_every_size_that_it_grows_with(digits):
    (cell,) = load(ROOT / "config.yaml").call(studies()["speed"])
    axes = {"n": [2, 4], "pairs": [1, 2], "padding": [0, 1], "width": [2, 4]}
    small = {"axes": axes, "base": {name: values[0] for name, values in axes.items()}}
    found = speed.compute({**cell.spec, **small, "jobs": [1], "cores": [1]}, [digits])
    timed_by = {(w, a) for w, a in zip(found["work"].values, found["axis"].values, strict=True)}
    assert timed_by == {(work, axis) for work, axes in speed.PREDICTED.items() for axis in axes}
    assert (found["seconds"] > 0).all()
    assert sorted(set(found["size"].values[found["axis"] == "pixels"])) == [64, 100]
