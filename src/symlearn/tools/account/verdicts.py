"""What became of each finding, by the state of its claims."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from symlearn import plan, wings
from symlearn.tools.account.form import (
    NAME,
    NOT_RUN,
    OF_PAPERS,
    OWN,
    UNTESTED,
    Account,
    Finding,
    deciding,
    load_account,
)
from symlearn.tools.claims.form import Claim, load_claims
from symlearn.tools.claims.page import rounded

Row = Mapping[str, str]
PRESET = "standard"  # whose figures the repository keeps, and the sentences are about
_ROUNDING = 1e-9  # below it a number says only that there is no difference


@dataclass(frozen=True)
class Judged:
    """A finding as the account shows it."""

    finding: Finding
    figures: tuple[str, ...]
    verdict: str
    here: str
    here_in_brief: str
    why: str

    @property
    def paper(self) -> str:
        """The paper's number and how it, or the finding, is known."""
        return f"{self.finding.paper or 'no number'} ({self.finding.known})"


@dataclass(frozen=True)
class Section:
    """A paper's part of the account."""

    wing: wings.Wing
    account: Account
    findings: tuple[Judged, ...]
    own: tuple[Judged, ...]


def sections(
    table: Sequence[Row], preset: str, shown: Collection[str] | None = None
) -> list[Section]:
    """The account by paper; with `shown`, of the findings that these figures decide."""
    rows = {row["id"]: row for row in table}
    found = []
    for wing in wings.wings():
        claims = {claim.id: claim for claim in load_claims(wing.claims)}
        if (account := load_account(wing, claims)) is None:
            continue
        papers, own = (
            tuple(judged(one, claims, rows, preset, words) for one in findings)
            for findings, words in ((account.findings, OF_PAPERS), (account.own, OWN))
        )
        if shown is not None and not set(wing.figures) <= set(shown):
            papers, own = _decided_by(papers, shown), _decided_by(own, shown)
        if papers or own:
            found.append(Section(wing, account, papers, own))
    return found


def judged(
    finding: Finding,
    claims: Mapping[str, Claim],
    rows: Mapping[str, Row],
    preset: str,
    words: Sequence[str],
) -> Judged:
    """A finding with its verdict, which is one of `words` where its claims were judged."""
    named = deciding(finding, claims)
    expected = [claim for claim in named if claim.expected(preset) is not None]
    outcomes = [rows[claim.id]["outcome"] for claim in expected if claim.id in rows]
    verdict = verdict_of(outcomes, len(expected), words)
    figures = sorted({claim.figure for claim in named}, key=plan.in_order)
    tested = verdict in words
    # A sentence is of all claims and, unless all hold, of the preset that is kept.
    whole = len(expected) == len(named) and (verdict == words[0] or not named)
    other = _share(outcomes, len(named) - len(expected)) if tested else ""
    return Judged(
        finding=finding,
        figures=tuple(figures),
        verdict=verdict,
        here=_numbers(finding.here, rows) if tested else "",
        here_in_brief=_numbers(finding.brief.here, rows) if tested and finding.brief else "",
        why=finding.why.get(verdict, other) if whole or preset == PRESET else other,
    )


def verdict_of(outcomes: Sequence[str], expected: int, words: Sequence[str]) -> str:
    """The verdict on a finding, of which `expected` claims are to be judged.

    Not testable where no claim is; not yet run where one has not been judged; else the first of
    `words` where all hold, the last where all fail, and the second where they differ.
    """
    if not expected:
        return UNTESTED
    held, failed = outcomes.count("holds"), outcomes.count("fails")
    if held + failed < expected:
        return NOT_RUN
    return words[0] if not failed else words[1] if held else words[2]


def _decided_by(findings: Sequence[Judged], shown: Collection[str]) -> tuple[Judged, ...]:
    return tuple(one for one in findings if one.figures and set(one.figures) <= set(shown))


def _numbers(text: str, rows: Mapping[str, Row]) -> str:
    """The text with each claim's number in place of its id."""
    return NAME.sub(lambda found: _number(rows.get(found[1], {})), text)


def _number(row: Row) -> str:
    """A claim's number with its standard error, or its order of magnitude where it is rounding."""
    if not row.get("measured"):
        return "–"
    value = float(row["measured"])
    if value and abs(value) < _ROUNDING:
        return f"{value:.0e}"
    error = row["uncertainty"]
    return rounded(row["measured"], error) if error and float(error) else row["measured"]


def _share(outcomes: Sequence[str], unjudged: int) -> str:
    rest = f"; this preset does not judge {unjudged} more" if unjudged else ""
    return f"{outcomes.count('holds')} of {len(outcomes)} claims hold{rest}."
