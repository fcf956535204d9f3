"""How claims are written: the form of `claims.yaml`, read and expanded.

A file holds `data`, the data sets for which its expectations were made, by preset, and `claims`, a
list for each figure. A claim with `for` stands for several: a mapping gives every combination of
its values (a value of several names adds all of them), a list one claim for each of its rows.
`{name}` in a text is replaced by the value of
that name, and `{data}` in a quantity by the data set that the claim is judged on.
"""

import itertools
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from symlearn.errors import ConfigError
from symlearn.pipeline.yaml_files import read_yaml
from symlearn.statistics import Measured

# A preset or a data set, as the config may name it.
PlainName = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
# In how many of the runs with other root seeds, or on other processors, a claim holds.
Share = Annotated[str, Field(pattern=r"^\d+ of \d+$")]
Citation = Annotated[str, Field(pattern=r"^docs/science/[a-z-]+\.md#[a-z0-9-]+$")]
_TOLERANCES = {"within", "relative"}


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Expected(_Form):
    """One relation: at least, at most, between two values, or near a value."""

    at_least: float | None = None
    at_most: float | None = None
    near: float | None = None
    within: Annotated[float, Field(gt=0)] | None = Field(default=None, description="absolute")
    relative: Annotated[float, Field(gt=0)] | None = None
    clearly: bool = Field(
        default=False,
        description="whether the bound must be met by more than the standard error of the value",
    )

    @model_validator(mode="after")
    def _one_relation(self) -> "Expected":
        if self.near is None and self.at_least is None and self.at_most is None:
            raise ValueError("give at_least, at_most or near")
        if (self.near is None) != (self.within is None and self.relative is None):
            raise ValueError("near goes with within or relative")
        if self.clearly and self.near is not None:
            raise ValueError("clearly goes with at_least or at_most")
        return self

    @property
    def tolerance(self) -> float:
        """How far from `near` a value may be."""
        return (
            self.within if self.within is not None else abs(self.near or 0) * (self.relative or 0)
        )

    def holds(self, measured: Measured) -> bool:
        """Whether a value is as expected; NaN never is. A bound met but for rounding is met.

        Where the bound is to be met clearly and the value has a standard error, the end of the
        interval of one standard error decides.
        """
        value, error = measured
        reach = 0.0 if not self.clearly or math.isnan(error) else error
        if self.near is not None and not _at_most(abs(value - self.near), self.tolerance):
            return False
        if self.at_least is not None and not _at_most(self.at_least, value - reach):
            return False
        return self.at_most is None or _at_most(value + reach, self.at_most)

    def __str__(self) -> str:
        parts = []
        if self.near is not None:
            parts.append(f"{self.near:g} ± {self.tolerance:.2g}")
        if self.at_least is not None:
            parts.append(f"≥ {self.at_least:g}")
        if self.at_most is not None:
            parts.append(f"≤ {self.at_most:g}")
        return ", ".join(parts) + (" clearly" if self.clearly else "")


class Claim(_Form):
    """One sentence that can be checked, where it comes from, and how it is measured."""

    id: Identifier
    claim: str
    source: Citation
    figure: str
    quantity: str
    expect: Expected | None
    presets: dict[PlainName, Expected | None] = {}
    data: dict[PlainName, PlainName] | None = Field(description="None: it holds on any data set")
    central: bool = Field(default=False, description="whether the page opens on it")
    fails: dict[PlainName, str] = Field(
        default={}, description="by preset: why the claim fails there, as it is known to do"
    )
    seeds: dict[PlainName, Share] = Field(
        default={},
        description="by preset: where runs with other root seeds disagree, in how many it holds",
    )
    note: str = Field(default="", description="what the expectation rests on")

    def expected(self, preset: str) -> Expected | None:
        """What is expected in a preset; None where the claim is not judged."""
        return self.presets.get(preset, self.expect)

    def made_for(self, preset: str) -> set[str] | None:
        """The data sets that the expectation holds on; None for any.

        A preset of one's own may draw any data set that a shipped one draws.
        """
        if self.data is None:
            return None
        return {self.data[preset]} if preset in self.data else set(self.data.values())


class _Entry(_Form):
    """A claim as it is written. Its texts may hold names of `for`."""

    id: str
    claim: str
    source: str
    quantity: str
    expect: dict[str, Any] | None = None
    presets: dict[PlainName, dict[str, Any] | str | None] | str = {}
    data: dict[PlainName, PlainName] | Literal["any"] | None = None
    central: bool | list[str] = False
    fails: dict[PlainName, str | dict[Identifier, str]] = {}
    seeds: dict[PlainName, str | dict[Identifier, str]] = {}
    note: str = ""
    for_: dict[str, list[Any]] | list[dict[str, Any]] = Field(default={}, alias="for")


class _File(_Form):
    """A file of claims, by figure."""

    data: dict[PlainName, PlainName]
    claims: dict[str, list[_Entry]]


def load_claims(*paths: Path) -> list[Claim]:
    """The claims of YAML files, one for each wing; raises ConfigError."""
    claims = [claim for path in paths for claim in _load(path)]
    names = [claim.id for claim in claims]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"{paths[-1]}: these ids stand twice: {', '.join(twice)}")
    return claims


def _load(path: Path) -> list[Claim]:
    where = str(path)
    try:
        file = TypeAdapter(_File).validate_python(read_yaml(path))
        claims = []
        for figure, entries in file.claims.items():
            for entry in entries:
                where = f"{path}: {entry.id}"
                claims += _expanded(entry, figure, file.data)
    except ValidationError as error:
        faults = [(".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors()]
        listed = "; ".join(f"{at}: {what}" for at, what in faults)
        raise ConfigError(f"{where}: {listed}") from None
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from None
    return claims


def _expanded(entry: _Entry, figure: str, data: Mapping[str, str]) -> list[Claim]:
    """The claims that an entry stands for."""
    written = entry.model_dump(exclude={"for_", "fails", "seeds"})
    written |= {"figure": figure, "data": None if entry.data == "any" else entry.data or data}
    claims = []
    for row in _rows(entry.for_):
        filled = _filled(written, row)
        if not isinstance(own := filled["presets"], Mapping):
            raise ValueError(f"presets: {own!r} is no mapping of presets to relations")
        filled["presets"] = {name: _merged(filled["expect"], its) for name, its in own.items()}
        filled["fails"] = _by_preset(entry.fails, filled["id"])
        filled["seeds"] = _by_preset(entry.seeds, filled["id"])
        if not isinstance(entry.central, bool):
            filled["central"] = filled["id"] in entry.central
        claims.append(Claim.model_validate(filled))
    said = [*entry.fails.values(), *entry.seeds.values()]
    listed = {name for why in said if isinstance(why, dict) for name in why}
    listed |= set() if isinstance(entry.central, bool) else set(entry.central)
    if unknown := sorted(listed - {claim.id for claim in claims}):
        raise ValueError(f"no claim of this entry is {', '.join(unknown)}")
    return claims


def _rows(table: Mapping[str, list[Any]] | list[dict[str, Any]]) -> Iterator[Mapping[str, Any]]:
    if isinstance(table, list):
        yield from table
    else:
        for values in itertools.product(*table.values()):
            row: dict[str, Any] = {}
            for name, value in zip(table, values, strict=True):
                row |= value if isinstance(value, Mapping) else {name: value}
            yield row


def _merged(expect: Mapping[str, Any] | None, override: Any) -> Any:
    """A preset's relation: another tolerance of the common one, or one of its own."""
    if expect is None or not isinstance(override, Mapping) or override.keys() - _TOLERANCES:
        return override
    return {**{k: v for k, v in expect.items() if k not in _TOLERANCES}, **override}


def _by_preset(said: Mapping[str, str | Mapping[str, str]], name: str) -> dict[str, str]:
    """What is said of one claim of an entry, by preset."""
    own = {key: one if isinstance(one, str) else one.get(name) for key, one in said.items()}
    return {preset: text for preset, text in own.items() if text is not None}


def _filled(value: Any, row: Mapping[str, Any]) -> Any:
    """A value with the names of `for` replaced, in all its texts."""
    if isinstance(value, Mapping):
        return {key: _filled(one, row) for key, one in value.items()}
    if not isinstance(value, str):
        return value
    if value[:1] == "{" and value[1:-1] in row and value[-1:] == "}":
        return row[value[1:-1]]  # a number stays one
    try:
        return value.format_map({"data": "{data}", **row})
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{value!r} holds what `for` does not name: {error}") from None


def _at_most(value: float, bound: float) -> bool:
    return value <= bound or math.isclose(value, bound, rel_tol=1e-9)
