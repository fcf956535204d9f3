import csv
import re
from pathlib import Path

import pytest
import xarray as xr
import yaml
from pydantic import ValidationError

from symlearn.errors import ConfigError, StoreError
from symlearn.pipeline import store
from symlearn.statistics import Measured
from symlearn.tools.claims.command import main
from symlearn.tools.claims.form import Claim, Expected, load_claims
from symlearn.tools.claims.page import as_html, rounded
from symlearn.tools.claims.verdicts import (
    Drawn,
    across_seeds,
    could_measure,
    judge,
    rows,
    summary,
    surprises,
)
from symlearn.wings import wings

ROOT = Path(__file__).parents[2]
SOURCE = "docs/science/orbits.md#two-rings"
DATA = {"quick": "mnist-5k", "standard": "mnist"}


def claim(**changes):
    entry = {
        "id": "a-claim", "claim": "A sentence.", "source": SOURCE, "figure": "fig2",
        "quantity": "spectral", "expect": {"near": 0.5, "within": 0.1}, "data": DATA,
    }  # fmt: skip
    return Claim(**{**entry, **changes})


def file(tmp_path, *entries, figure="fig2"):
    """A file of claims."""
    usual = {"id": "a", "claim": "A sentence.", "quantity": "spectral", "source": SOURCE}
    path = tmp_path / "claims.yaml"
    claims = {figure: [{**usual, "expect": {"at_least": 1}, **entry} for entry in entries]}
    path.write_text(yaml.safe_dump({"data": DATA, "claims": claims}))
    return path


def measured(data=None, figure="fig2", **values):
    return {figure: Drawn({name: Measured(*value) for name, value in values.items()}, data)}


@pytest.fixture(scope="module")
def shipped():
    return load_claims(*(wing.claims for wing in wings()))


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
    assert all(expected.holds(Measured(value)) for value in holds)
    assert not any(expected.holds(Measured(value)) for value in [*fails, float("nan")])


def test_a_bound_is_met_clearly_where_it_is_met_by_more_than_the_standard_error():
    above = Expected(at_least=1, clearly=True)
    assert [above.holds(Measured(1.2, error)) for error in (0.1, 0.3)] == [True, False]
    below = Expected(at_most=1, clearly=True)
    assert [below.holds(Measured(0.8, error)) for error in (0.1, 0.3)] == [True, False]
    assert above.holds(Measured(1.01))  # without a standard error the value decides
    assert Expected(at_least=1).holds(Measured(1.01, 0.3))
    assert str(above) == "≥ 1 clearly"


@pytest.mark.parametrize(
    "relation",
    [
        {}, {"near": 1.0}, {"within": 0.1}, {"at_least": 1, "atmost": 2},
        {"near": 1.0, "within": 0.1, "clearly": True},
    ],
)  # fmt: skip
def test_an_incomplete_or_misspelt_relation_is_refused(relation):
    with pytest.raises(ValidationError):
        Expected(**relation)


def test_presets_share_a_relation_and_may_change_or_drop_it(tmp_path):
    presets = {"quick": {"within": 0.2}, "paper": None, "other": {"at_most": 3}}
    path = file(tmp_path, {"expect": {"near": 1, "relative": 0.1}, "presets": presets})
    (found,) = load_claims(path)
    assert str(found.expected("standard")) == str(found.expected("mine")) == "1 ± 0.1"
    assert str(found.expected("quick")) == "1 ± 0.2"
    assert str(found.expected("other")) == "≤ 3"
    assert found.expected("paper") is None


def test_for_with_rows_gives_a_claim_for_each(tmp_path):
    table = [{"n": 2, "near": 0.5, "quick": None}, {"n": 4, "near": 0.7, "quick": {"at_least": 0}}]
    entry = {
        "id": "c-{n}", "claim": "It is {near} at {n}.", "quantity": "accuracy.n{n}", "for": table,
        "expect": {"near": "{near}", "within": 0.1}, "presets": {"quick": "{quick}"},
        "fails": {"standard": {"c-4": "A reason."}}, "central": ["c-2"],
    }  # fmt: skip
    two, four = load_claims(file(tmp_path, entry))
    assert (two.id, two.claim, two.quantity) == ("c-2", "It is 0.5 at 2.", "accuracy.n2")
    assert [c.expected("standard").near for c in (two, four)] == [0.5, 0.7]
    assert two.expected("quick") is None
    assert str(four.expected("quick")) == "≥ 0"
    assert [c.fails for c in (two, four)] == [{}, {"standard": "A reason."}]
    assert [c.central for c in (two, four)] == [True, False]


def test_for_with_lists_gives_every_combination(tmp_path):
    entry = {"id": "c-{a}-{b}", "for": {"a": [1, 2], "b": ["x", "y"]}, "fails": {"quick": "Why."}}
    found = load_claims(file(tmp_path, entry))
    assert [c.id for c in found] == ["c-1-x", "c-1-y", "c-2-x", "c-2-y"]
    assert all(c.fails == {"quick": "Why."} for c in found)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"id": "c-{n}"}, "does not name: 'n'"),
        ({"claim": "{n.x}", "for": [{"n": 1}]}, "does not name"),
        ({"presets": "{p}", "for": [{"p": 3}]}, "3 is no mapping"),
        ({"presets": {"quick": "{p}"}, "for": [{"p": 3}]}, "presets.quick"),
        ({"fails": {"quick": {"b": "Why."}}}, "no claim of this entry is b"),
        ({"central": ["b"]}, "no claim of this entry is b"),
        ({"source": "measured before"}, "source"),
        ({"sources": SOURCE}, "sources"),
        ({"expect": {"near": 1}}, "near goes with within or relative"),
    ],
)
def test_a_faulty_entry_is_one_line_that_names_it(tmp_path, entry, message):
    with pytest.raises(ConfigError, match=rf"claims\.yaml: .*{re.escape(message)}"):
        load_claims(file(tmp_path, entry))


def test_ids_are_unique(tmp_path):
    with pytest.raises(ConfigError, match="twice: a"):
        load_claims(file(tmp_path, {}, {}))


def test_a_claim_is_judged_by_what_its_figure_measured():
    verdict = judge(claim(), "quick", measured(spectral=(0.55, 0.01)))
    assert verdict.outcome == "holds"
    assert rows([verdict])[0]["measured"] == "0.55"
    assert judge(claim(), "quick", measured(spectral=(0.75,))).outcome == "fails"


def test_a_claim_without_expectation_for_the_preset_is_not_judged():
    verdict = judge(claim(presets={"quick": None}), "quick", {})
    assert (verdict.outcome, verdict.note) == ("not judged", "nothing is expected in this preset")


def test_an_expectation_is_bound_to_the_data_set_that_it_was_made_for():
    other = measured("digits", spectral=(0.5,))
    verdict = judge(claim(), "quick", other)
    assert verdict.outcome == "not judged"
    assert verdict.note == "expected of mnist-5k; the figure was drawn of digits"
    assert judge(claim(), "standard", measured("mnist-5k", spectral=(0.5,))).measured is None
    assert judge(claim(), "quick", measured("mnist-5k", spectral=(0.5,))).outcome == "holds"
    assert judge(claim(), "quick", measured(None, spectral=(0.5,))).outcome == "holds"
    assert judge(claim(data=None), "quick", other).outcome == "holds"
    # A preset of one's own may draw what any shipped one draws.
    assert judge(claim(), "mine", measured("mnist", spectral=(0.5,))).outcome == "holds"
    assert judge(claim(), "mine", other).outcome == "not judged"


def test_a_quantity_may_name_the_data_set():
    asked = claim(figure="stability-training", quantity="before.{data}.lenet")
    drawn = Drawn({"before.mnist-5k.lenet": Measured(0.5)})
    assert judge(asked, "quick", {"stability-training": drawn}).outcome == "holds"
    assert judge(asked, "standard", {"stability-training": drawn}).outcome == "not run"


def test_a_quantity_that_no_figure_measures_is_an_error_and_no_pass():
    with pytest.raises(StoreError, match="a-claim: fig2 does not measure 'spektral'"):
        judge(claim(quantity="spektral"), "quick", measured(spectral=(0.5,)))
    with pytest.raises(ConfigError, match="fig99 is no figure"):
        judge(claim(figure="fig99"), "quick", {})


def test_a_point_that_is_not_in_the_grid_is_not_run_and_says_so():
    asked = claim(figure="fig4", quantity="accuracy.mlp-1.n8", fails={"quick": "Known."})
    there = {"accuracy.mlp-1.n4": Measured(0.5), "error.mlp-1.n8": Measured(0.5)}
    verdict = judge(asked, "quick", {"fig4": Drawn(there)})
    assert verdict.outcome == "not run"
    (row,) = rows([verdict])
    assert row["note"] == "accuracy.mlp-1.n8 is not in this config's grid of fig4"
    assert row["expected"]
    assert row["measured"] == row["surprise"] == ""


@pytest.mark.parametrize("quantity", ["accuracies.mlp-1.n8", "mlp-1.n8", "accuracy-1"])
def test_a_kind_of_quantity_that_the_figure_never_measures_stays_an_error(quantity):
    drawn = {"fig4": Drawn({"accuracy.mlp-1.n4": Measured(0.5)})}
    with pytest.raises(StoreError, match=f"does not measure '{quantity}'"):
        judge(claim(figure="fig4", quantity=quantity), "quick", drawn)


def test_a_kind_that_a_grid_lacks_is_not_run():
    """With perceptrons alone no layer is a convolution, whose share other grids have."""
    asked = claim(figure="lie-layers", quantity="share.convolution.resnet8-8")
    assert could_measure(asked.figure, asked.quantity)
    drawn = {"lie-layers": Drawn({"terms": Measured(1.0)})}
    assert judge(asked, "quick", drawn).outcome == "not run"


@pytest.mark.parametrize(
    ("value", "fails", "preset", "surprise"),
    [
        (0.5, {}, "quick", ""),
        (0.9, {"quick": "Why."}, "quick", ""),
        (0.9, {}, "quick", "fails and is not listed under `fails`"),
        (0.5, {"quick": "Why."}, "quick", "holds and is listed under `fails`"),
        (0.9, {"standard": "Why."}, "quick", "fails and is not listed under `fails`"),
        (0.9, {}, "mine", ""),
    ],
)
def test_what_fails_is_listed_and_what_is_listed_fails(value, fails, preset, surprise):
    verdict = judge(claim(fails=fails), preset, measured(spectral=(value,)))
    assert verdict.surprise == surprise
    assert surprises(rows([verdict])) == ([f"a-claim {surprise}"] if surprise else [])


@pytest.mark.parametrize("value", [0.5, 0.9])
def test_where_root_seeds_disagree_neither_outcome_is_a_surprise(value):
    drawn = measured(spectral=(value,))
    listed = {"fails": {"quick": "Why."}, "seeds": {"quick": "2 of 3"}}
    assert judge(claim(seeds=listed["seeds"]), "quick", drawn).surprise == ""
    assert judge(claim(**listed), "quick", drawn).surprise == ""
    assert judge(claim(seeds={"paper": "2 of 3"}), "quick", measured(spectral=(0.9,))).surprise


def test_what_is_not_judged_is_no_surprise():
    drawn = measured("digits", spectral=(0.9,))
    assert judge(claim(), "quick", drawn).surprise == ""
    assert judge(claim(fails={"quick": "Why."}), "quick", drawn).surprise == ""


def test_the_note_of_a_failing_claim_says_why():
    listed = claim(fails={"quick": "Why."}, note="A bound.")
    assert judge(listed, "quick", measured(spectral=(0.9,))).note == "Why."
    assert judge(listed, "quick", measured(spectral=(0.5,))).note == "A bound."


# What is shipped


def test_every_shipped_claim_names_a_quantity_that_its_figure_can_measure(shipped):
    asked = [(c, c.quantity.replace("{data}", d)) for c in shipped for d in ("mnist", "mnist-5k")]
    assert [c.id for c, quantity in asked if not could_measure(c.figure, quantity)] == []


def test_every_shipped_claim_is_expected_somewhere_and_fails_only_there(shipped):
    assert len(shipped) > 100
    presets = ("quick", "standard", "paper")
    assert [c.id for c in shipped if not any(c.expected(p) for p in presets)] == []
    assert [c.id for c in shipped for p in c.fails if p not in presets or not c.expected(p)] == []


def test_the_page_opens_on_sixty_claims_at_most_of_every_paper(shipped):
    central = [c for c in shipped if c.central]
    assert len(central) <= 60
    for wing in wings():
        if load_claims(wing.claims):
            assert any(c.figure in wing.figures for c in central), wing.name


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    texts = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in texts}


def test_every_citation_is_a_section_of_a_page(shipped):
    cited = {c.source for c in shipped}
    known = {page: anchors(ROOT / page) for page in {source.partition("#")[0] for source in cited}}
    assert [s for s in sorted(cited) if s.partition("#")[2] not in known[s.partition("#")[0]]] == []


def test_sentences_stand_alone(shipped):
    unfinished = [c.id for c in shipped if not re.fullmatch(r"[A-Z].*[.]", c.claim)]
    assert unfinished == []
    leaning = re.compile("(So|And|Nor|Neither|Yet|But|Also|It|They|The same|Those|Nor) ")
    assert [c.id for c in shipped if leaning.match(c.claim)] == []
    # No word that only those who were there can resolve.
    insiders = re.compile(r"note \d|as reviewed|reference run|T1\d")
    assert [c.id for c in shipped if insiders.search(f"{c.claim} {c.note} {c.fails}")] == []


# The command and the page


@pytest.fixture
def judged(tmp_path):
    """What judging three claims wrote."""
    figure = tmp_path / "fig2.nc"
    found = xr.Dataset(
        {"value": ("quantity", [0.9]), "uncertainty": ("quantity", [0.01])},
        coords={"quantity": ["spectral"]},
    )
    store.write_groups({"measured": found}, figure, {"stage": "figures"})
    claims = file(
        tmp_path,
        {"claim": "a | b <c>", "central": True},
        {"id": "b", "expect": None, "presets": {"paper": {"at_least": 0}}},
        {"id": "c", "expect": {"at_most": 1}},
    )
    out = tmp_path / "figures" / "quick" / "claims.csv"
    assert main(["--claims", str(claims), "--preset", "quick", "--out", str(out), str(figure)]) == 0
    return out


def test_the_table_is_printed_and_written_in_three_forms(judged, capsys):
    with judged.open() as stream:
        outcomes = [row["outcome"] for row in csv.DictReader(stream)]
    assert outcomes == ["fails", "not judged", "holds"]
    assert "a \\| b <c>" in judged.with_suffix(".md").read_text()
    page = judged.with_suffix(".html").read_text()
    assert "a | b &lt;c&gt;" in page
    assert 'href="fig2.png"' in page
    assert f'href="../../{SOURCE}"' in page
    assert page.index('id="a"') < page.index("<details>") < page.index('id="c"')


def test_the_check_is_an_error_that_names_what_is_not_as_listed(judged, tmp_path, capsys):
    out = tmp_path / "claims.txt"
    arguments = ["--check", str(judged), "--preset", "quick", "--out", str(out)]
    assert main(arguments) == 1
    err = capsys.readouterr().err
    assert "a fails and is not listed under `fails`" in err
    assert str(judged.with_suffix(".html")) in err
    assert err.count("\n") == 1
    assert not out.exists()
    judged.write_text(judged.read_text().replace("fails and is not listed under `fails`", ""))
    assert main(arguments) == 0
    assert out.read_text() == "Preset quick: 1 hold, 1 fail, 0 not run, 1 not judged.\n"


def test_figures_or_a_table_must_be_given(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--preset", "quick", "--out", str(tmp_path / "claims.csv")])
    assert "give --claims and figures, or --check" in capsys.readouterr().err


def test_the_page_loads_nothing(judged):
    page = judged.with_suffix(".html").read_text()
    assert "default-src 'none'" in page
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)


def test_outcomes_are_counted():
    assert summary([]) == "0 hold, 0 fail, 0 not run, 0 not judged"


def test_a_page_without_claims_is_a_page():
    assert "<h1>Claims of the preset quick</h1>" in as_html([], "quick")


def test_tables_of_several_root_seeds_say_which_claims_disagree(judged, tmp_path, capsys):
    other = tmp_path / "other.csv"
    other.write_text(judged.read_text().replace("a,fig2,fails", "a,fig2,holds"))
    assert main(["--across", str(judged), str(other), str(other)]) == 0
    out = capsys.readouterr().out
    assert out == "a: 2 of 3\nOf 3 runs: 1 claims do not turn out alike.\n"
    assert across_seeds([]) == {}


def test_a_claim_says_with_how_many_root_seeds_it_holds(tmp_path):
    entry = {"id": "x-{n}", "for": {"n": [2, 4]}, "seeds": {"quick": {"x-4": "2 of 3"}}}
    two, four = load_claims(file(tmp_path, entry))
    found = measured("mnist-5k", spectral=(2.0, 0.1))
    assert judge(two, "quick", found).note == ""
    (row,) = rows([judge(four, "quick", found)])
    assert row["note"] == "It holds in 2 of 3 runs that differ in root seed or processor."
    assert judge(four, "paper", found).note == ""
    with pytest.raises(ConfigError, match="seeds"):
        load_claims(file(tmp_path, {"seeds": {"quick": "often"}}))
    with pytest.raises(ConfigError, match="x-5"):
        load_claims(file(tmp_path, {**entry, "seeds": {"quick": {"x-5": "2 of 3"}}}))


@pytest.mark.parametrize(
    ("measured", "uncertainty", "shown"),
    [
        ("0.7022", "0.01963", "0.702 ± 0.020"),
        ("0.4", "0.03162", "0.400 ± 0.032"),
        ("0.9968", "0.0007969", "0.9968 ± 0.0008"),
        ("123.4", "23.1", "123 ± 23"),
        ("0.0002616", "2.598e-05", "0.000262 ± 0.000026"),
        ("7.133e-14", "2.215e-14", "7.133e-14 ± 2.2e-14"),
        ("1", "0", "1 ± 0"),
        ("2.5", "", "2.5"),
    ],
)
def test_values_are_shown_to_the_digits_of_their_errors(measured, uncertainty, shown):
    assert rounded(measured, uncertainty) == shown
