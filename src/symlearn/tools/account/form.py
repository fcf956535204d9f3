"""How the account is written: the form of `account.yaml`, read and checked against the claims.

Whatever a claim decides is named here and nowhere typed: a finding's verdict and its numbers come
from its claims. Of a paper's own numbers the form says how they are known, and it has no word for
one that is only remembered.
"""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from symlearn import wings
from symlearn.errors import ConfigError
from symlearn.pipeline.yaml_files import read_yaml
from symlearn.tools.claims.form import Claim

# Of a paper's finding and of one of this project's own: all claims hold, some, none.
OF_PAPERS = ("reproduced", "partly", "not reproduced")
OWN = ("holds", "partly", "does not hold")
UNTESTED = "not testable here"
NOT_RUN = "not yet run"

# How what a paper says is known here.
Known = Literal["abstract", "caption", "figure", "posts", "talks", "secondary account"]
Pattern = Annotated[str, Field(pattern=r"^[a-z0-9*-]+$")]
Sentence = Annotated[str, Field(pattern=r"^[A-Z].*[.?]$")]
NAME = re.compile(r"\{([^{}]*)\}")


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Brief(_Form):
    """A finding in few words and one number, for the short table of the README."""

    finding: str
    here: str


class Finding(_Form):
    """A finding: the claims that decide it, its numbers and why it turns out as it does."""

    finding: Sentence
    brief: Brief | None = Field(default=None, description="the README shows those that have one")
    claims: list[Pattern] = Field(description="ids, with * for any letters; none: not testable")
    here: str = Field(default="", description="what is measured; {id} is that claim's number")
    why: dict[str, Sentence] = Field(description="a sentence for each verdict that is to be had")
    paper: str = Field(default="", description="the paper's number, if one is known")
    known: Known | None = Field(default=None, description="how the paper's finding is known")

    @model_validator(mode="after")
    def _of_one_paper(self) -> "Finding":
        words = OWN if self.known is None else OF_PAPERS
        if strange := sorted(self.why.keys() - {*words, UNTESTED}):
            raise ValueError(f"why: {', '.join(strange)} is none of {', '.join(words)}, {UNTESTED}")
        if self.paper and self.known is None:
            raise ValueError("paper: say under `known` how the number is known")
        return self

    @property
    def numbers(self) -> list[str]:
        """The ids of the claims whose numbers are shown."""
        return NAME.findall(self.here + (self.brief.here if self.brief else ""))


class Paper(_Form):
    """A paper as readers find it."""

    authors: str
    title: str
    arxiv: Annotated[str, Field(pattern=r"^\d{4}\.\d{5}$")]

    @property
    def link(self) -> str:
        """Its address."""
        return f"https://arxiv.org/abs/{self.arxiv}"


class Account(_Form):
    """The papers of a wing, their findings, and what this project found beside them."""

    papers: Annotated[list[Paper], Field(min_length=1)]
    question: Sentence
    answer: Sentence = Field(description="what the paper finds")
    picture: str = Field(description="the figure that stands for the paper")
    findings: list[Finding]
    own: list[Finding]

    @model_validator(mode="after")
    def _known(self) -> "Account":
        for finding in self.findings:
            if finding.known is None:
                raise ValueError(f"{finding.finding!r}: say under `known` how it is known")
        for finding in self.own:
            if finding.known is not None:
                raise ValueError(f"{finding.finding!r}: is this project's own, and has no `known`")
        return self


def load_account(wing: wings.Wing, claims: Mapping[str, Claim]) -> Account | None:
    """The account of a wing with these claims, None if it has none; raises ConfigError."""
    if not wing.account.exists():
        return None
    account = read_account(wing.account, claims)
    if account.picture not in wing.figures:
        raise ConfigError(f"{wing.account}: picture: {account.picture} is no figure of the wing")
    return account


def read_account(path: Path, claims: Mapping[str, Claim]) -> Account:
    """An account whose findings name claims that there are; raises ConfigError."""
    try:
        account = TypeAdapter(Account).validate_python(read_yaml(path))
    except ValidationError as error:
        faults = [(".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors()]
        listed = "; ".join(f"{at}: {what}" for at, what in faults)
        raise ConfigError(f"{path}: {listed}") from None
    for finding in [*account.findings, *account.own]:
        for pattern in finding.claims:
            if not _matching(pattern, claims):
                raise ConfigError(f"{path}: {finding.finding!r}: no claim is {pattern}")
        if strange := sorted(set(finding.numbers) - claims.keys()):
            raise ConfigError(f"{path}: {finding.finding!r}: no claim is {', '.join(strange)}")
    return account


def deciding(finding: Finding, claims: Mapping[str, Claim]) -> list[Claim]:
    """The claims that a finding rests on, each once."""
    names = dict.fromkeys(n for pattern in finding.claims for n in _matching(pattern, claims))
    return [claims[name] for name in names]


def _matching(pattern: str, names: Mapping[str, Claim]) -> list[str]:
    return [name for name in names if fnmatchcase(name, pattern)]
