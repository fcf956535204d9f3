import csv

import pytest
import xarray as xr
import yaml
from pydantic import ValidationError

from symlearn.errors import ConfigError, StoreError
from symlearn.pipeline import store
from symlearn.statistics import Measured
from symlearn.tools.claims import (
    Claim,
    Expected,
    could_measure,
    judge,
    load_claims,
    main,
    rows,
    summary,
)
from symlearn.wings import wings


def claim(**changes):
    entry = {
        "id": "a-claim",
        "claim": "A sentence.",
        "source": "derived",
        "figure": "fig2",
        "quantity": "spectral",
        "expected": {"quick": {"near": 0.5, "within": 0.1}},
    }
    return {**entry, **changes}


@pytest.mark.parametrize(
    ("relation", "holds", "fails"),
    [
        # 0.7999999999999999 is 0.8 but for rounding
        ({"at_least": 0.8}, [0.7999999999999999, 0.8, 1.0], [0.79999, -1.0]),
        ({"at_most": 0.2}, [0.20000000000000007, 0.0], [0.20001]),
        ({"at_most": 0.0}, [0.0, -1.0], [1e-300]),
        ({"near": 0.5, "within": 0.1}, [0.41, 0.59], [0.39, 0.61]),
        ({"near": -2.0, "relative": 0.1}, [-2.19, -1.81], [-2.21, -1.79]),
        ({"at_least": 1}, [1.0, 2.0], [0.99]),
        ({"at_most": 1}, [1.0, -5.0], [1.01]),
        ({"at_least": 0, "at_most": 1}, [0.0, 1.0], [-0.1, 1.1]),
    ],
)
def test_a_relation_holds_within_its_bounds_and_never_for_nan(relation, holds, fails):
    expected = Expected(**relation)
    assert all(expected.holds(value) for value in holds)
    assert not any(expected.holds(value) for value in [*fails, float("nan")])


@pytest.mark.parametrize(
    "relation", [{}, {"near": 1.0}, {"within": 0.1}, {"at_least": 1, "atmost": 2}]
)
def test_an_incomplete_or_misspelt_relation_is_refused(relation):
    with pytest.raises(ValidationError):
        Expected(**relation)


def test_a_claim_without_expectation_for_the_preset_is_not_run():
    assert judge(Claim(**claim()), "paper", {}).outcome == "not run"


def test_a_claim_is_judged_by_what_its_figure_measured():
    measured = {"fig2": {"spectral": Measured(0.55, 0.01)}}
    verdict = judge(Claim(**claim()), "quick", measured)
    assert verdict.outcome == "holds"
    assert rows([verdict])[0]["measured"] == "0.55"
    measured = {"fig2": {"spectral": Measured(0.75)}}
    assert judge(Claim(**claim()), "quick", measured).outcome == "fails"


def test_a_quantity_that_no_figure_measures_is_an_error_and_no_pass():
    with pytest.raises(StoreError, match="a-claim: fig2 does not measure 'spektral'"):
        judge(Claim(**claim(quantity="spektral")), "quick", {"fig2": {"spectral": Measured(0.5)}})
    with pytest.raises(ConfigError, match="fig99 is no figure"):
        judge(Claim(**claim(figure="fig99")), "quick", {})


def test_a_point_that_is_not_in_the_grid_is_not_run_and_says_so():
    asked = Claim(**claim(figure="fig4", quantity="accuracy.mlp-1.n8", note="Fails in paper."))
    measured = {"fig4": {"accuracy.mlp-1.n4": Measured(0.5), "error.mlp-1.n8": Measured(0.5)}}
    verdict = judge(asked, "quick", measured)
    assert verdict.outcome == "not run"
    (row,) = rows([verdict])
    assert row["note"] == "accuracy.mlp-1.n8 is not in this config's grid of fig4"
    assert row["expected"]
    assert row["measured"] == ""


@pytest.mark.parametrize("quantity", ["accuracies.mlp-1.n8", "mlp-1.n8", "accuracy-1"])
def test_a_kind_of_quantity_that_the_figure_never_measures_stays_an_error(quantity):
    measured = {"fig4": {"accuracy.mlp-1.n4": Measured(0.5)}}
    with pytest.raises(StoreError, match=f"does not measure '{quantity}'"):
        judge(Claim(**claim(figure="fig4", quantity=quantity)), "quick", measured)


def test_a_kind_that_a_grid_lacks_is_not_run():
    """With perceptrons alone no layer is a convolution, whose share other grids have."""
    asked = Claim(**claim(figure="lie-layers", quantity="share.convolution.resnet8-8"))
    assert could_measure(asked.figure, asked.quantity)
    assert judge(asked, "quick", {"lie-layers": {"terms": Measured(1.0)}}).outcome == "not run"


def test_every_shipped_claim_names_a_quantity_that_its_figure_can_measure():
    claims = load_claims(*(wing.claims for wing in wings()))
    assert [c.id for c in claims if not could_measure(c.figure, c.quantity)] == []


def test_ids_are_unique(tmp_path):
    path = tmp_path / "claims.yaml"
    path.write_text(yaml.safe_dump([claim(), claim()]))
    with pytest.raises(ConfigError, match="twice: a-claim"):
        load_claims(path)


def test_the_shipped_claims_can_be_read_and_failing_ones_say_why():
    claims = load_claims(*(wing.claims for wing in wings()))
    assert len(claims) > 100
    assert all(c.note.startswith("Fails in") for c in claims if c.note)


def test_the_table_is_printed_and_written_in_three_forms(tmp_path, capsys):
    figure = tmp_path / "fig2.nc"
    measured = xr.Dataset(
        {"value": ("quantity", [0.9]), "uncertainty": ("quantity", [0.01])},
        coords={"quantity": ["spectral"]},
    )
    store.write_groups({"measured": measured}, figure, {"stage": "figures"})
    claims = tmp_path / "claims.yaml"
    claims.write_text(yaml.safe_dump([claim(claim="a | b <c>"), claim(id="b", expected={})]))
    out = tmp_path / "table" / "claims.csv"
    arguments = ["--claims", str(claims), "--preset", "quick", "--out", str(out), str(figure)]
    assert main(arguments) == 0
    with out.open() as stream:
        assert [row["outcome"] for row in csv.DictReader(stream)] == ["fails", "not run"]
    assert "a \\| b <c>" in out.with_suffix(".md").read_text()
    assert "a | b &lt;c&gt;" in out.with_suffix(".html").read_text()
    assert "0 hold, 1 fail, 1 not run" in capsys.readouterr().out


def test_outcomes_are_counted():
    assert summary([]) == "0 hold, 0 fail, 0 not run"
