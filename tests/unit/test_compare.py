import numpy as np
import pytest
import xarray as xr

from symlearn.pipeline import store
from symlearn.tools.compare import main

SPEC = {"stage": "figures", "inputs": []}
VALUES = np.array([1.0, np.nan, 3.0])


def write(folder, name="fig4", group="pairs", **variables):
    dataset = xr.Dataset({key: ("task", np.asarray(value)) for key, value in variables.items()})
    store.write_groups({group: dataset}, folder / f"{name}.nc", SPEC)


@pytest.fixture
def folders(tmp_path):
    return tmp_path / "old", tmp_path / "new"


def test_equal_data_are_equal_whatever_the_spec(folders, capsys):
    for folder in folders:
        write(folder, exact=VALUES, network=["mlp", "cnn", "vit"])
    assert main([str(folder) for folder in folders]) == 0
    assert "1 of 1 figures plot equal data, 2 variables" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"exact": VALUES + 1e-12}, r"fig4.nc: pairs/exact: differs by up to 1e-12"),
        ({"exact": VALUES[:2]}, "pairs/exact: {'task': 3} of float64 against {'task': 2}"),
        ({"exact": VALUES > 2}, "of float64 against {'task': 3} of bool"),
        ({"exact": ["a", "b", "c"]}, "pairs/exact: {'task': 3} of float64"),
        ({"spectral": VALUES}, "pairs/exact: stands in one of the two alone"),
        ({"exact": VALUES, "group": "seeds"}, "seeds: stands in one of the two alone"),
    ],
)
def test_what_differs_is_named(folders, capsys, changed, said):
    old, new = folders
    write(old, exact=VALUES)
    write(new, **changed)
    assert main([str(old), str(new)]) == 1
    assert said in capsys.readouterr().out


def test_minus_zero_is_not_zero(folders):
    old, new = folders
    write(old, exact=[0.0])
    write(new, exact=[-0.0])
    assert main([str(old), str(new)]) == 1


def test_a_renamed_variable_is_compared_under_its_new_name(folders, capsys):
    old, new = folders
    write(old, exact=VALUES)
    write(new, exact_at_identity=VALUES)
    renamed = ["--renamed", "exact=exact_at_identity"]
    assert main([str(old), str(new), *renamed]) == 0
    write(new, exact_at_identity=2 * VALUES)
    assert main([str(old), str(new), *renamed]) == 1
    assert "pairs/exact_at_identity: differs by up to 3" in capsys.readouterr().out


def test_a_figure_that_is_missing_and_a_folder_without_figures_are_one_line(folders, capsys):
    old, new = folders
    assert main([str(old), str(new)]) == 1
    write(old, exact=VALUES)
    assert main([str(old), str(new)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("symlearn compare: error: ") for line in lines)
