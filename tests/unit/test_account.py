"""The account: verdicts by the state of claims, and what is committed of it."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from symlearn import wings
from symlearn.errors import ConfigError, StoreError
from symlearn.tools.account import kept, text
from symlearn.tools.account.command import main
from symlearn.tools.account.form import NOT_RUN, OF_PAPERS, OWN, UNTESTED, Finding, read_account
from symlearn.tools.account.verdicts import judged, sections, verdict_of
from symlearn.tools.claims.form import Claim, Expected, load_claims
from symlearn.tools.gallery.content import read_claims

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / kept.FOLDER
README = (ROOT / "README.md").read_text(encoding="utf-8")


def claim(name, figure="fig4", **presets):
    return Claim(
        id=name, claim="A claim.", source="docs/science/orbits.md#notation", figure=figure,
        quantity="error", expect=Expected(at_most=1), presets=presets, data=None,
    )  # fmt: skip


CLAIMS = {
    one.id: one
    for one in (
        claim("a-1"),
        claim("a-2", "fig2"),
        claim("b", standard=None),
        claim("b-quick", quick=None),
    )
}
WHY = {"reproduced": "It holds.", "partly": "Half of it holds."}


def row(name, outcome, measured="0.5", uncertainty="0.02"):
    return {"id": name, "outcome": outcome, "measured": measured, "uncertainty": uncertainty}


def became(outcomes, *, claims=("a-*",), why=WHY, here="", preset="standard"):
    finding = Finding(finding="So.", claims=list(claims), why=why, here=here, known="abstract")
    rows = {name: row(name, outcome) for name, outcome in outcomes.items()}
    return judged(finding, CLAIMS, rows, preset, OF_PAPERS)


@pytest.mark.parametrize(
    ("outcomes", "expected", "verdict"),
    [
        (["holds", "holds"], 2, "reproduced"),
        (["holds", "fails"], 2, "partly"),
        (["fails", "fails"], 2, "not reproduced"),
        (["holds"], 2, NOT_RUN),
        (["holds", "not run"], 2, NOT_RUN),
        (["fails", "not judged"], 2, NOT_RUN),
        ([], 1, NOT_RUN),
        ([], 0, UNTESTED),
    ],
)
def test_claims_decide(outcomes, expected, verdict):
    assert verdict_of(outcomes, expected, OF_PAPERS) == verdict


def test_a_finding_has_the_figures_the_number_and_the_sentence_of_its_verdict():
    one = became({"a-1": "holds", "a-2": "fails"}, here="error {a-1}")
    assert (one.verdict, one.figures) == ("partly", ("fig2", "fig4"))
    assert one.here == "error 0.500 ± 0.020"
    assert one.why == "Half of it holds."
    assert one.paper == "no number (abstract)"


def test_what_was_not_run_has_no_number_and_no_sentence():
    one = became({"a-1": "holds"}, here="error {a-1}")
    assert (one.verdict, one.here, one.why) == (NOT_RUN, "", "")


def test_a_verdict_without_a_sentence_says_how_many_claims_hold():
    one = became({"a-1": "holds", "a-2": "fails"}, why={"reproduced": "It holds."})
    assert one.why == "1 of 2 claims hold."


def test_in_another_preset_a_sentence_is_shown_where_all_hold():
    half, whole = {"a-1": "holds", "a-2": "fails"}, {"a-1": "holds", "a-2": "holds"}
    assert became(half, preset="quick").why == "1 of 2 claims hold."
    assert became(whole, preset="quick").why == "It holds."
    assert became(whole, claims=("a-*", "b-quick"), preset="quick").why == (
        "2 of 2 claims hold; this preset does not judge 1 more."
    )


def test_a_claim_that_a_preset_does_not_judge_decides_nothing_there():
    assert became({"a-1": "holds", "a-2": "holds"}, claims=("a-*", "b")).verdict == "reproduced"
    assert became({}, claims=("b",), preset="standard").verdict == UNTESTED
    assert became({}, claims=("b",), preset="paper").verdict == NOT_RUN


@pytest.mark.parametrize(
    ("measured", "uncertainty", "shown"),
    [("0.5", "0.02", "0.500 ± 0.020"), ("1", "0", "1"), ("1.4e-13", "7e-15", "1e-13"),
     ("2.5", "", "2.5"), ("", "", "–")],
)  # fmt: skip
def test_numbers_are_shown_with_their_errors_and_rounding_as_what_it_is(
    measured, uncertainty, shown
):
    finding = Finding(finding="So.", claims=["a-1"], why={}, here="{a-1}", known="abstract")
    rows = {"a-1": row("a-1", "holds", measured, uncertainty)}
    assert judged(finding, CLAIMS, rows, "standard", OF_PAPERS).here == shown


ENTRY = {"finding": "So.", "claims": ["a-*"], "why": {"reproduced": "It holds."},
         "known": "abstract"}  # fmt: skip
FILE = {
    "papers": [{"authors": "Someone, 2020", "title": "Of it", "arxiv": "2001.00001"}],
    "question": "Is it so?", "answer": "It is.", "picture": "fig4",
}  # fmt: skip


def account(folder, findings=(), own=()):
    path = folder / "account.yaml"
    path.write_text(yaml.safe_dump({**FILE, "findings": list(findings), "own": list(own)}))
    return read_account(path, CLAIMS)


def test_an_account_is_read(tmp_path):
    own = {key: ENTRY[key] for key in ("finding", "claims")} | {"why": {"holds": "It does."}}
    assert account(tmp_path, [ENTRY], [own]).papers[0].link == "https://arxiv.org/abs/2001.00001"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"claims": ["c-*"]}, "no claim is c-*"),
        ({"here": "error {c}"}, "no claim is c"),
        ({"why": {"holds": "It holds."}}, "holds is none of reproduced"),
        ({"why": {"reproduced": "it holds"}}, "should match pattern"),
        ({"verdict": "reproduced"}, "Extra inputs"),
        ({"known": "memory"}, "Input should be 'abstract'"),
        ({"known": None, "why": {}}, "say under `known` how it is known"),
        ({"known": None, "why": {}, "paper": "0.2"}, "say under `known` how the number is known"),
    ],
)
def test_what_an_account_may_not_say_is_one_error(tmp_path, change, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        account(tmp_path, [ENTRY | change])


def test_a_finding_of_ones_own_is_of_no_paper(tmp_path):
    with pytest.raises(ConfigError, match="has no `known`"):
        account(tmp_path, own=[ENTRY])


# What is shipped.


def every():
    """All findings as they come out if claims hold but where they are listed as failing."""
    claims = load_claims(*(wing.claims for wing in wings.wings()))
    outcomes = [(c.id, "fails" if "standard" in c.fails else "holds") for c in claims]
    return sections([row(*outcome) for outcome in outcomes], "standard")


def test_each_wing_of_a_paper_has_an_account():
    assert [one.wing.name for one in every()] == ["orbits", "stability", "invariance", "lie"]


def test_every_finding_has_the_sentence_for_what_is_expected_of_it():
    findings = [one for section in every() for one in (*section.findings, *section.own)]
    assert len(findings) > 40
    lacking = [one.finding.finding for one in findings if one.verdict not in one.finding.why]
    assert lacking == []
    assert {one.verdict for one in findings} <= {*OF_PAPERS, *OWN, UNTESTED}


def test_central_claims_are_in_the_account():
    claims = load_claims(*(wing.claims for wing in wings.wings()))
    decide = {
        pattern
        for section in every()
        for one in (*section.findings, *section.own)
        for pattern in one.finding.claims
    }
    match = re.compile("|".join(f"(?:{p.replace('*', '.*')})" for p in decide))
    central = {one.id for one in claims if one.central and one.expected("standard") is not None}
    assert {name for name in central if not match.fullmatch(name)} == set()


def test_a_subset_of_figures_has_the_findings_that_it_decides():
    table = read_claims(PUBLISHED / "claims.csv")
    shown = sections(table, "standard", ["fig4", "speed"])
    assert [one.wing.name for one in shown] == ["orbits"]
    assert {one.figures for one in shown[0].findings} == {("fig4",)}
    assert shown[0].own == ()
    assert sections(table, "standard", ["speed"]) == []


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """The kept figures and the README, in a folder of one's own."""
    shutil.copytree(ROOT / "figures", tmp_path / "figures", ignore=shutil.ignore_patterns("quick"))
    shutil.copy(ROOT / "README.md", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_committed_is_what_the_command_writes(copy):
    """After a change of words, of claims or of kept figures: run `symlearn account`."""
    assert main([]) == 0
    written = ("README.md", "figures/README.md", *(str(kept.FOLDER / n) for n in _TABLES))
    for name in written:
        assert (copy / name).read_bytes() == (ROOT / name).read_bytes(), f"{name}: symlearn account"


_TABLES = ("claims.csv", "claims.md", kept.LIST)


def test_a_figure_that_is_not_kept_is_not_yet_run(copy):
    (copy / kept.FOLDER / "fig4.nc").unlink()
    assert main([]) == 0
    page = (copy / "figures/README.md").read_text(encoding="utf-8")
    (line,) = [one for one in page.splitlines() if "agrees with the error of kernel" in one]
    assert "**not yet run**" in line
    assert "The picture, of `fig4`, is not yet run." in (copy / "README.md").read_text(
        encoding="utf-8"
    )


def test_without_kept_figures_it_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([]) == 1
    assert "has no figures; `symlearn publish` keeps some" in capsys.readouterr().err


def test_a_readme_without_marks_is_one_line(copy, capsys):
    (copy / "README.md").write_text("# Another\n")
    assert main([]) == 1
    assert "has no lines '<!-- the account" in capsys.readouterr().err


def test_marks_keep_what_is_around_them():
    begin, end = "<!-- x: written by `symlearn account` -->", "<!-- end of x -->"
    assert text.filled(f"a\n{begin}\nold\n{end}\nb", "x", "new") == f"a\n{begin}\n\nnew\n\n{end}\nb"
    with pytest.raises(StoreError, match="has no lines"):
        text.filled(f"{begin} {end}"[::-1], "x", "new")


def test_the_readme_is_short_and_shows_kept_pictures_alone():
    assert len(README.splitlines()) <= 100
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)|<img src=\"([^\"]+)\"", README)
    files = {"".join(found) for found in pictures}
    assert files
    assert {Path(file).parent for file in files} == {kept.FOLDER}
    listed = (PUBLISHED / kept.LIST).read_text(encoding="utf-8")
    assert all(f"  {Path(file).name}\n" in listed for file in files)
