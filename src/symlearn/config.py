"""The config: `config.yaml` with one preset chosen, its errors in plain words, its JSON schema.

A preset says what differs from `base`, or from another preset that it `extends`. Each study's
settings are checked by themselves, so that a fault in one stops those figures alone that need it.

Light on purpose: the Snakefile imports it, so nothing here imports an array library.
"""

import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Union

from pydantic import (
    BaseModel,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
)

from symlearn import wings
from symlearn.errors import ConfigError
from symlearn.menu import kinds
from symlearn.menu import networks as catalogue
from symlearn.menu.values import Closed, Context, Dataset, PlainName, Whole
from symlearn.menu.values import allowed as _allowed
from symlearn.pipeline.yaml_files import read_yaml

VERSION: Literal[2] = 2
# One entry of `architectures`; its key `kind` says which model it is held to.
ARCHITECTURES = kinds.models()
Architecture: Any = Annotated[Union[tuple(ARCHITECTURES.values())], Field(discriminator="kind")]  # noqa: UP007
Seed = Annotated[Whole, Field(ge=0, description="root of all random draws")]
# What a preset has beside its studies.
_SHARED: Mapping[str, Any] = {"seed": Seed, "dataset": Dataset}

_EXTENDS = "extends"
_KEPT = "published"  # the folder beside those of the presets
_OF_VERSION_1 = (
    f"config_version: 1 is symlearn 0.1's; set it to {VERSION} (complete presets stay valid, and "
    "what they share may move to the key base: CHANGELOG.md)"
)


class File(Closed):
    """The keys of `config.yaml`."""

    config_version: Literal[2]
    preset: PlainName
    data_root: str | None = Field(
        default=None, description="folder that already holds the data sets; looked into first"
    )
    architectures: dict[PlainName, Architecture] = Field(
        default_factory=dict, description="architectures of your own, by name"
    )
    networks: dict[PlainName, catalogue.NetworkEntry] = Field(
        default_factory=dict, description="networks of your own, by name"
    )
    base: dict[str, Any] = Field(default_factory=dict, description="what presets share")
    presets: dict[PlainName, dict[str, Any]]

    @field_validator("data_root")
    @classmethod
    def _is_a_folder(cls, given: str | None) -> str | None:
        folder = expanded(given)
        if folder is not None:
            where = Path(folder).absolute()
            try:
                os.listdir(where)
            except PermissionError as error:
                raise ValueError(f"{where} cannot be read: {error.strerror}") from None
            except OSError:
                sentence = f"{where} is no folder; null looks into data/, then downloads"
                raise ValueError(sentence) from None
        return folder


@dataclass(frozen=True)
class Config:
    """A config with one preset chosen: all that it chooses is data, grids, seeds and sizes."""

    file: File
    preset: str
    where: str
    values: "Overlay"
    context: Context
    _studies: Mapping[str, BaseModel | tuple[str, ...]]  # settings, or what is wrong with them

    @property
    def data_root(self) -> str | None:
        """The folder that is looked into first for data sets."""
        return self.file.data_root

    @property
    def presets(self) -> list[str]:
        """The names of the presets that there are."""
        return list(self.file.presets)

    def choosing(self, preset: str | None) -> "Config":
        """With this preset chosen, or as it is for None; raises ConfigError."""
        if preset is None or preset == self.preset:
            return self
        if preset not in self.file.presets:
            choices = ", ".join(self.presets)
            raise ConfigError(f"{preset!r} has no entry under presets; there are: {choices}")
        return _assembled(self.file, preset, self.where)

    def study(self, key: str) -> Any:
        """The settings of a study, by its key in a preset; raises ConfigError for faulty ones."""
        found = self._studies[key]
        if isinstance(found, tuple):
            raise ConfigError(f"{self.where}: {'; '.join(found)}")
        return found

    def faults(self, keys: Collection[str]) -> list[str]:
        """What is wrong with the settings of these studies, and with what must fit together."""
        own = (fault for key in keys for fault in self._own_faults(key))
        return list(dict.fromkeys([*own, *self._faults_between(set(keys))]))

    def call(self, function: Callable[..., Any]) -> Any:
        """A study's or a check's result on the settings that it reads."""
        return function(self.context, *(self.study(key) for key in wings.reads(function)))

    def _own_faults(self, key: str) -> Iterator[str]:
        found = self._studies[key]
        if isinstance(found, tuple):
            yield from found
            return
        known = {"architecture": self.context.architectures, "network": self.context.networks}
        for name in _named(found, key, self.context.dataset):
            if name.name not in known[name.kind]:
                choices = _allowed(name.name, known[name.kind])
                yield f"{self.values.path(name.key)}: {name.name!r} is unknown; {choices}"
            elif name.kind == "network":
                entry = catalogue.model_of(self.context.network(name.name))
                if misfit := entry.misfit(name.side):
                    yield f"{self.values.path(name.key)}: {name.name!r} {misfit}"

    def _faults_between(self, keys: set[str]) -> Iterator[str]:
        sound = {key for key in keys if not isinstance(self._studies[key], tuple)}
        for check in wings.checks():
            if sound.issuperset(wings.reads(check)):
                for key, sentence in self.call(check):
                    yield f"{self.values.path(key)}: {sentence}"


@dataclass(frozen=True)
class Overlay:
    """The values of a preset: those of `base` under those of the presets that it extends."""

    layers: tuple[tuple[str, Mapping[str, Any]], ...]  # key path and values, what counts most first

    @cached_property
    def merged(self) -> dict[str, Any]:
        """Mappings merged key by key; all else is taken from the first that has it."""
        merged: dict[str, Any] = {}
        for _, values in reversed(self.layers):
            merged = overlaid(merged, values)
        return merged

    def path(self, key: str) -> str:
        """Where a key is set: `presets.quick.rotations.n`, or under `base`."""
        for where, values in self.layers:
            if _holds(values, key.split(".")):
                return f"{where}.{key}"
        return f"{self.layers[0][0]}.{key}"


def overlaid(below: Mapping[Any, Any], above: Mapping[Any, Any]) -> dict[Any, Any]:
    """Nested mappings merged, all else replaced."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(under, Mapping)
        merged[key] = overlaid(under, value) if both else value  # type: ignore[arg-type]
    return merged


def parse(raw: Mapping[Any, Any], where: str = "config.yaml") -> Config:
    """The config; raises ConfigError where something is wrong that concerns all figures.

    The error names all faults, those of single studies too.
    """
    if raw.get("config_version") == 1:
        raise ConfigError(f"{where}: {_OF_VERSION_1}")
    try:
        file = File.model_validate(raw)
    except ValidationError as error:
        faults = _sentences(error, File)
        sound = {key: value for key, value in raw.items() if key not in _faulty_keys(error)}
        raise ConfigError(f"{where}: {'; '.join([*faults, *_further_faults(sound)])}") from None
    if _KEPT in file.presets:
        raise ConfigError(
            f"{where}: presets.{_KEPT}: figures/{_KEPT} holds the figures that the repository "
            "keeps; take another name"
        )
    if file.preset not in file.presets:
        choices = _allowed(file.preset, file.presets)
        raise ConfigError(f"{where}: preset: {file.preset!r} has no entry under presets; {choices}")
    return _assembled(file, file.preset, where)


def load(*paths: Path) -> Config:
    """The config of YAML files, each laid over those before it; raises ConfigError.

    As Snakemake does it with `config.yaml` and those of `--configfile`.
    """
    merged: dict[str, Any] = {}
    for path in paths:
        raw = read_yaml(path)
        if not isinstance(raw, dict):
            raise ConfigError(f"{path}: a config is a mapping of keys, not {type(raw).__name__}")
        merged = overlaid(merged, raw)
    return parse(merged, ", ".join(map(str, paths)))


def expanded(data_root: str | None) -> str | None:
    """The folder of the data sets with `~` as the home folder, as a shell would have it."""
    return os.path.expanduser(data_root) if data_root else None


def _assembled(file: File, preset: str, where: str) -> Config:
    values = Overlay(tuple(_layers(file, preset, where)))
    models = wings.settings()
    shared = {key: _checked(values, key, kind) for key, kind in _SHARED.items()}
    studies = {key: _checked(values, key, model) for key, model in models.items()}
    faults = list(_standard_names(file))
    for key in values.merged.keys() - models.keys() - _SHARED.keys() - {_EXTENDS}:
        faults.append(f"{values.path(key)}: unknown key; {_allowed(key, [*_SHARED, *models])}")
    faults += _told(shared)
    if faults:
        raise ConfigError(f"{where}: {'; '.join([*faults, *_told(studies)])}")
    root = expanded(file.data_root)
    context = Context(shared["seed"], shared["dataset"], *_entries(file), root)
    return Config(file, preset, where, values, context, studies)


def _told(checked: Mapping[str, Any]) -> list[str]:
    """What is wrong with the parts of a preset."""
    return [fault for one in checked.values() if isinstance(one, tuple) for fault in one]


def _faulty_keys(error: ValidationError) -> set[Any]:
    return {fault["loc"][0] for fault in error.errors(include_url=False) if fault["loc"]}


def _further_faults(raw: Mapping[Any, Any]) -> list[str]:
    """What is wrong with the chosen preset, for a config some of whose other keys are left out."""
    if not {"preset", "presets"} <= raw.keys() or raw["preset"] not in raw["presets"]:
        return []
    kept = {key: raw[key] for key in ("preset", "base", "presets") if key in raw}
    try:
        config = _assembled(File(config_version=VERSION, **kept), raw["preset"], "")
    except ConfigError as error:
        return str(error).removeprefix(": ").split("; ")
    return _told(config._studies)


def _layers(file: File, preset: str, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """A preset, those that it extends, and the base; raises ConfigError for a circle."""
    seen: list[str] = []
    name: Any = preset
    while name is not None:
        if name not in file.presets or name in seen:
            others = [other for other in file.presets if other not in seen]
            raise ConfigError(
                f"{where}: presets.{seen[-1]}.{_EXTENDS}: {name!r} cannot be extended; "
                f"{_allowed(str(name), others)}"
            )
        seen.append(name)
        yield f"presets.{name}", file.presets[name]
        name = file.presets[name].get(_EXTENDS)
    yield "base", file.base


def _checked(values: Overlay, key: str, kind: Any) -> Any:
    """A part of a preset as its model has it, or what is wrong with it."""
    if key not in values.merged:
        return (f"{values.path(key)}: this key is missing",)
    try:
        return TypeAdapter(kind).validate_python(values.merged[key])
    except ValidationError as error:
        model = kind if isinstance(kind, type) else None
        return tuple(_sentences(error, model, lambda path: values.path(_joined(key, path))))


def _standard_names(file: File) -> Iterator[str]:
    own = {"architectures": file.architectures, "networks": file.networks}
    standard = {"architectures": kinds.STANDARD, "networks": catalogue.STANDARD}
    for key, entries in own.items():
        for name in entries:
            if name in standard[key]:
                yield f"{key}.{name}: is a standard name; choose another"


def _entries(file: File) -> tuple[dict[str, Any], dict[str, Any]]:
    """All architectures and networks by name, their defaults filled in."""
    return (
        {name: kinds.standard_architecture(name) for name in kinds.STANDARD}
        | {name: entry.model_dump() for name, entry in file.architectures.items()},
        {name: catalogue.standard_entry(name) for name in catalogue.STANDARD}
        | {name: entry.model_dump() for name, entry in file.networks.items()},
    )


@dataclass(frozen=True)
class _Name:
    """An architecture or a network that settings name: its key, and the side of its images."""

    key: str
    kind: str
    name: str
    side: int


def _named(part: Any, key: str, images: Dataset) -> Iterator[_Name]:
    """The architectures and networks that a part of a preset names.

    A part that names a data set of its own sees its images as they are published.
    """
    if isinstance(part, list):
        for number, one in enumerate(part):
            yield from _named(one, f"{key}.{number}", images)
    if not isinstance(part, BaseModel):
        return
    own = getattr(part, "image_set", images.image_set)
    side = images.side if own == images.image_set else own.facts.side
    for field in type(part).model_fields:
        value, path = getattr(part, field), f"{key}.{field}"
        kind = field.removesuffix("s")
        if kind in ("architecture", "network"):
            for name in [value] if isinstance(value, str) else value or []:
                yield _Name(path, kind, name, side)
        else:
            yield from _named(value, path, images)


def _sentences(
    error: ValidationError,
    model: type[BaseModel] | None,
    full: Callable[[str], str] = lambda path: path,
) -> list[str]:
    """Every fault once; `full` makes a key path whole."""
    faults = error.errors(include_url=False)
    return list(dict.fromkeys(_sentence(fault, model, full) for fault in faults))


def _sentence(fault: Any, model: type[BaseModel] | None, full: Callable[[str], str]) -> str:
    """One pydantic fault as: key path, value, what is allowed, nearest name."""
    path = ".".join(str(part) for part in _visible(fault["loc"]))
    prefix = f"{full(path)}: " if full(path) else ""
    context = fault.get("ctx", {})
    match fault["type"]:
        case "extra_forbidden":
            key = str(fault["loc"][-1])
            return f"{prefix}unknown key; {_allowed(key, _keys_beside(fault['loc'], model))}"
        case "missing":
            return f"{prefix}this key is missing"
        case "literal_error":
            names = context["expected"].replace(" or ", ", ").replace("'", "").split(", ")
            return f"{prefix}{fault['input']!r} is unknown; {_allowed(str(fault['input']), names)}"
        case "union_tag_invalid":
            names = context["expected_tags"].replace("'", "").split(", ")
            return f"{prefix}kind {context['tag']!r} is unknown; {_allowed(context['tag'], names)}"
        case "union_tag_not_found":
            there = ARCHITECTURES if fault["loc"][0] == "architectures" else catalogue.MODELS
            return f"{prefix}the key kind is missing; allowed: {', '.join(there)}"
        case "value_error":
            if isinstance(fault["input"], dict):  # the error begins with the rest of the key path
                rest, _, sentence = str(context["error"]).partition(": ")
                return f"{full(_joined(path, rest))}: {sentence}"
            return f"{prefix}{fault['input']!r}: {context['error']}"
    message = fault["msg"].removeprefix("Input ")
    return f"{prefix}{fault['input']!r} {message}"


def _joined(key: str, rest: str) -> str:
    return ".".join(part for part in (key, rest) if part)


def _holds(values: Any, parts: list[str]) -> bool:
    """Whether nested values have something at a key path."""
    for part in parts:
        if isinstance(values, list) and part.isdecimal() and int(part) < len(values):
            values = values[int(part)]
        elif isinstance(values, Mapping) and part in values:
            values = values[part]
        else:
            return False
    return True


def _visible(location: Iterable[Any]) -> list[Any]:
    """A fault's location without the tags of unions and the marks of mapping keys."""
    parts = [part for part in location if part != "[key]"]
    if len(parts) > 2 and parts[0] in ("architectures", "networks"):
        del parts[2]
    return parts


def _keys_beside(location: tuple[Any, ...], model: type[BaseModel] | None) -> list[str]:
    """The keys that are allowed where an unknown one stands, found through the JSON schema."""
    if model is None:
        return []
    schema = model.model_json_schema()
    node: Any = schema
    for part in location[:-1]:
        node = _resolve(node, schema)
        if "discriminator" in node:
            node = _resolve({"$ref": node["discriminator"]["mapping"][part]}, schema)
        elif part in node.get("properties", {}):
            node = node["properties"][part]
        elif isinstance(part, int):
            node = node.get("items", {})
        else:
            values = [*node.get("patternProperties", {}).values()]
            node = values[0] if values else node.get("additionalProperties", {})
    return list(_resolve(node, schema).get("properties", {}))


def _resolve(node: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = node.get("$ref")
    return schema["$defs"][reference.rsplit("/", 1)[1]] if reference else node


def json_schema() -> dict[str, Any]:
    """The JSON schema of `config.yaml`, for editors: base and presets may lack any key."""
    schema = File.model_json_schema()
    part: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {_EXTENDS: {"type": "string", "description": "preset that this one changes"}},
    }
    models = {**_SHARED, **wings.settings()}
    for key, model in models.items():
        adapter = TypeAdapter(model)
        own = adapter.json_schema(ref_template="#/$defs/{model}")
        schema["$defs"] |= own.pop("$defs", {})
        own.pop("required", None)
        part["properties"][key] = own
    schema["$defs"]["Part"] = part
    schema["properties"]["base"] |= {"$ref": "#/$defs/Part"}
    schema["properties"]["base"].pop("additionalProperties", None)
    presets = schema["properties"]["presets"]
    for pattern in [*presets.get("patternProperties", {})]:
        presets["patternProperties"][pattern] = {"$ref": "#/$defs/Part"}
    presets["additionalProperties"] = False
    return schema


def schema_text() -> str:
    """The schema as its file has it."""
    return json.dumps(json_schema(), indent=2, sort_keys=True) + "\n"
