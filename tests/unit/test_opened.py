"""`symlearn.open`: the plotted data of a figure by its name."""

from pathlib import Path

import pytest

import symlearn
from symlearn.errors import DataError, StoreError

PUBLISHED = Path(__file__).parents[2] / "figures" / "published"


def test_a_figure_opens_by_its_name_with_groups_units_and_caption(tmp_path):
    tree = symlearn.open("fig4", "published", PUBLISHED.parent)
    assert {"pairs", "measured"} <= set(tree.children)
    assert tree["pairs"]["exact_mean"].attrs["units"] == "1"
    assert tree.attrs["caption"] == (PUBLISHED / "fig4.txt").read_text().strip()
    assert symlearn.open(str(PUBLISHED / "fig4.nc")).identical(tree)


def test_what_is_not_there_is_said(tmp_path):
    for preset in ("quick", "standard"):
        (tmp_path / preset).mkdir()
        (tmp_path / preset / "fig4.nc").write_bytes((PUBLISHED / "fig4.nc").read_bytes())
    assert symlearn.open("fig4", "quick", tmp_path).children
    for arguments, message in (
        (("fig4", None), "holds fig4 of quick, standard: choose one of them as preset"),
        (("fig4", "paper"), "holds fig4 of quick, standard, and not of paper"),
        (("fig5", None), "holds no fig5; draw it by"),
    ):
        with pytest.raises(DataError, match=message):
            symlearn.open(*arguments, folder=tmp_path)
    (tmp_path / "quick" / "fig4.nc").write_text("no data")
    with pytest.raises(StoreError, match="damaged or no NetCDF file"):
        symlearn.open("fig4", "quick", tmp_path)
