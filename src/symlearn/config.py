"""The config: a closed model of `config.yaml`, its errors in plain words, its JSON schema.

Light on purpose: the Snakefile imports it, so nothing here imports an array library.
"""

import difflib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union

from pydantic import (
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from symlearn.architectures import MODELS, STANDARD
from symlearn.dataset_facts import DATASETS
from symlearn.errors import ConfigError
from symlearn.networks import catalogue
from symlearn.settings import (
    PATCHES,
    Classes,
    Closed,
    Dataset,
    Dihedral,
    Invariance,
    LieAliasing,
    LieLayers,
    LieModels,
    LiePartial,
    LongTraining,
    Partial,
    Portrait,
    Precision,
    RingSweeps,
    Rotations,
    Seeds,
    Shifts,
    Speed,
    Stability,
    StabilitySamples,
    StripeTraining,
    TrainedClasses,
    TrainedPairs,
    Whole,
    Widths,
    enough_images,
)
from symlearn.yaml_files import read_yaml

PresetName = Literal["quick", "standard", "paper"]
# Names become parts of file names and of command lines, so they are plain.
PlainName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
# One entry of `architectures`; its key `kind` says which model it is held to.
Architecture: Any = Annotated[Union[tuple(MODELS.values())], Field(discriminator="kind")]  # noqa: UP007


class Preset(Closed):
    """All that a preset chooses: data, grids, seeds and sizes; never code paths."""

    seed: Annotated[Whole, Field(ge=0, description="root of all random draws")]
    dataset: Dataset
    rings: RingSweeps
    portrait: Portrait
    rotations: Rotations
    seeds: Seeds
    classes: Classes
    shifts: Shifts
    dihedral: Dihedral
    precision: Precision
    partial: Partial
    long_training: LongTraining
    trained_pairs: TrainedPairs
    trained_classes: TrainedClasses
    widths: Widths
    stability_samples: StabilitySamples
    stability: Stability
    stripe_training: StripeTraining
    lie_aliasing: LieAliasing
    invariance: Invariance
    lie_models: LieModels
    lie_layers: LieLayers
    lie_partial: LiePartial
    speed: Speed

    @model_validator(mode="after")
    def _sizes_fit_the_images(self) -> "Preset":
        side, smallest = self.dataset.side, DATASETS[self.dataset.name].smallest_class
        for study, settings in self:
            if getattr(settings, "group", "").endswith("shift"):
                for n in settings.n:
                    if side % n:
                        raise ValueError(
                            f"{study}.n: {n} does not divide the images' side, {side} pixels"
                        )
            if getattr(settings, "seeds_per_class", 0) > smallest:
                raise ValueError(
                    f"{study}.seeds_per_class: {settings.seeds_per_class} is more than the "
                    f"{smallest} images of the smallest class of {self.dataset.name}"
                )
        return self

    @model_validator(mode="after")
    def _left_out_classes_have_images(self) -> "Preset":
        most = 10 * DATASETS[self.dataset.name].smallest_class
        for study in ("partial", "long_training"):
            images = getattr(self, study).images
            if images is not None and not 10 <= images <= most:
                raise ValueError(
                    f"{study}.images: {images} is not from 10 to {most}, equally many of each of "
                    f"the ten classes of {self.dataset.name}; null takes all"
                )
            if images is not None and images % 10:
                raise ValueError(
                    f"{study}.images: {images} is no multiple of ten, and there are equally many "
                    f"of each of the ten classes; take {images // 10 * 10}"
                )
        return self

    @model_validator(mode="after")
    def _layers_are_measured_on_test_images(self) -> "Preset":
        images, test = self.lie_layers.images, self.lie_models.test
        if images > test:
            raise ValueError(
                f"lie_layers.images: {images} is more than the {test} of lie_models.test"
            )
        return self

    @model_validator(mode="after")
    def _enough_images(self) -> "Preset":
        for study in ("invariance", "lie_models"):
            settings = getattr(self, study)
            enough_images(f"{study}.train", settings.train, settings.test, self.dataset.name)
        return self

    @model_validator(mode="after")
    def _patches_divide_the_images(self) -> "Preset":
        side, shifts = self.dataset.side, self.invariance.shifts
        if "patch-shuffling" in shifts and side % PATCHES:
            raise ValueError(
                f"invariance.shifts: the {PATCHES} x {PATCHES} patches of patch-shuffling do not "
                f"divide the images' side, {side} pixels"
            )
        return self

    @model_validator(mode="after")
    def _invariance_is_exact(self) -> "Preset":
        """Weight-tying needs groups that permute pixels; interpolation images of one size."""
        side, other = self.dataset.side, self.invariance.other
        for number, family in enumerate(self.invariance.families):
            path = f"invariance.families.{number}.n: {family.n}"
            if family.group == "cyclic-shift" and side % family.n:
                raise ValueError(f"{path} does not divide the images' side, {side} pixels")
            if family.group != "cyclic-shift" and family.n not in (2, 4):
                raise ValueError(f"{path} turns by interpolation; 2 and 4 permute pixels")
        if other is not None and other.side != side:
            raise ValueError(
                f"invariance.other: its images have {other.side} pixels a side, not {side}"
            )
        return self


class Config(Closed):
    """The whole of `config.yaml`."""

    config_version: Literal[1]
    preset: PresetName
    data_root: str | None = Field(
        default=None, description="folder that already holds the data sets; looked into first"
    )
    architectures: dict[PlainName, Architecture] = Field(
        default_factory=dict, description="architectures of your own, by name"
    )
    networks: dict[PlainName, catalogue.NetworkEntry] = Field(
        default_factory=dict, description="networks of your own, by name"
    )
    presets: dict[PresetName, Preset]

    @field_validator("data_root")
    @classmethod
    def _is_a_folder(cls, given: str | None) -> str | None:
        folder = expanded(given)
        if folder is not None and not Path(folder).is_dir():
            where = Path(folder).absolute()
            raise ValueError(f"{where} is no folder; null looks into data/, then downloads")
        return folder

    @model_validator(mode="after")
    def _names_are_known(self) -> "Config":
        own = {"architectures": self.architectures, "networks": self.networks}
        standard = {"architectures": STANDARD, "networks": catalogue.STANDARD}
        for key, entries in own.items():
            for name in entries:
                if name in standard[key]:
                    raise ValueError(f"{key}.{name}: is a standard name; choose another")
        for name, preset in self.presets.items():
            for study, settings in preset:
                for key, used in _names_used(settings):
                    kind = f"{key.rpartition('.')[2].removesuffix('s')}s"
                    known = [*standard[kind], *own[kind]]
                    if used not in known:
                        path = f"presets.{name}.{study}.{key}"
                        raise ValueError(f"{path}: {used!r} is unknown; {_allowed(used, known)}")
        if self.preset not in self.presets:
            choices = _allowed(self.preset, self.presets)
            raise ValueError(f"preset: {self.preset!r} has no entry under presets; {choices}")
        return self

    @model_validator(mode="after")
    def _trained_networks_meet_their_theory(self) -> "Config":
        """What studies take from one another must be there."""
        for name, preset in self.presets.items():
            for path, value, allowed in _unmet(preset):
                raise ValueError(
                    f"presets.{name}.{path}: {value!r} is not in {allowed}; add it there"
                )
        return self

    @model_validator(mode="after")
    def _kernels_to_train_are_of_networks(self) -> "Config":
        for name, preset in self.presets.items():
            for study, kinds in (("trained_pairs", ("mlp", "cnn")), ("widths", ("mlp",))):
                used = getattr(preset, study).architecture
                if (kind := self.architecture(used)["kind"]) not in kinds:
                    raise ValueError(
                        f"presets.{name}.{study}.architecture: {used!r} is of kind {kind}, and "
                        f"networks are trained here of {' and '.join(kinds)}"
                    )
        return self

    @model_validator(mode="after")
    def _pooled_networks_are_perceptrons(self) -> "Config":
        for name, preset in self.presets.items():
            for number, family in enumerate(preset.invariance.families):
                entry = self.network(family.network)
                if "pooled" in family.tied and (entry["kind"] != "perceptron" or entry["dropout"]):
                    path = f"presets.{name}.invariance.families.{number}.tied"
                    what = "with dropout" if entry["kind"] == "perceptron" else entry["kind"]
                    raise ValueError(
                        f"{path}: pooled ties a perceptron without dropout, not "
                        f"{family.network!r} ({what}); averaged ties any network"
                    )
        return self

    @model_validator(mode="after")
    def _networks_fit_the_images(self) -> "Config":
        for name, preset in self.presets.items():
            for path, network, side in _networks_used(preset):
                misfit = catalogue.model_of(self.network(network)).misfit(side)
                if misfit:
                    raise ValueError(f"presets.{name}.{path}: {network!r} {misfit}")
        return self

    @property
    def chosen(self) -> Preset:
        """The preset that this run uses."""
        return self.presets[self.preset]

    def choosing(self, preset: str | None) -> "Config":
        """With this preset chosen, or as it is for None; raises ConfigError for one it lacks."""
        if preset is None:
            return self
        if preset not in self.presets:
            choices = ", ".join(self.presets)
            raise ConfigError(f"{preset!r} has no entry under presets; there are: {choices}")
        return self.model_copy(update={"preset": preset})

    def architecture(self, name: str) -> dict[str, Any]:
        """The entry of an architecture, its defaults filled in."""
        if name in self.architectures:
            return self.architectures[name].model_dump()
        entry = STANDARD[name]
        return MODELS[entry["kind"]].model_validate(entry).model_dump()

    def network(self, name: str) -> dict[str, Any]:
        """The entry of a network, its defaults filled in."""
        if name in self.networks:
            return self.networks[name].model_dump()
        return catalogue.standard_entry(name)


def parse(raw: Mapping[Any, Any], where: str = "config.yaml") -> Config:
    """The validated config; raises ConfigError that names every fault with its key path."""
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        faults = dict.fromkeys(_sentence(fault) for fault in error.errors(include_url=False))
        raise ConfigError(f"{where}: " + "; ".join(faults)) from None


def load(path: Path) -> Config:
    """The validated config of a YAML file; raises ConfigError."""
    raw = read_yaml(path)
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: a config is a mapping of keys, not {type(raw).__name__}")
    return parse(raw, str(path))


def expanded(data_root: str | None) -> str | None:
    """The folder of the data sets with `~` as the home folder, as a shell would have it."""
    return os.path.expanduser(data_root) if data_root else None


def json_schema() -> dict[str, Any]:
    """The JSON schema of `config.yaml`, for editors."""
    return Config.model_json_schema()


def _sentence(fault: Mapping[str, Any]) -> str:
    """One pydantic fault as: key path, value, what is allowed, nearest name."""
    path = ".".join(str(part) for part in _visible(fault["loc"]))
    prefix = f"{path}: " if path else ""
    context = fault.get("ctx", {})
    match fault["type"]:
        case "extra_forbidden":
            key = str(fault["loc"][-1])
            return f"{prefix}unknown key; {_allowed(key, _keys_beside(fault['loc']))}"
        case "missing":
            return f"{prefix}this key is missing"
        case "literal_error":
            names = context["expected"].replace(" or ", ", ").replace("'", "").split(", ")
            return f"{prefix}{fault['input']!r} is unknown; {_allowed(str(fault['input']), names)}"
        case "union_tag_invalid":
            names = context["expected_tags"].replace("'", "").split(", ")
            return f"{prefix}kind {context['tag']!r} is unknown; {_allowed(context['tag'], names)}"
        case "union_tag_not_found":
            kinds = MODELS if fault["loc"][0] == "architectures" else catalogue.MODELS
            return f"{prefix}the key kind is missing; allowed: {', '.join(kinds)}"
        case "value_error":
            if isinstance(fault["input"], dict):  # the error begins with the rest of the key path
                return f"{path}.{context['error']}".removeprefix(".")
            return f"{prefix}{fault['input']!r}: {context['error']}"
    message = fault["msg"].removeprefix("Input ")
    return f"{prefix}{fault['input']!r} {message}"


def _unmet(preset: Preset) -> Iterable[tuple[str, Any, str]]:
    """What studies need of one another and lack: key path, value, where it must be."""
    theory = preset.rotations
    for study in ("trained_pairs", "widths"):
        settings = getattr(preset, study)
        for n in settings.n if isinstance(settings.n, list) else [settings.n]:
            if n not in theory.n:
                yield f"{study}.n", n, f"rotations.n, {theory.n}"
        if settings.pairs > theory.pairs:
            yield f"{study}.pairs", settings.pairs, f"rotations.pairs, {theory.pairs}"
        if settings.architecture not in theory.architectures:
            known = ", ".join(theory.architectures)
            yield (
                f"{study}.architecture",
                settings.architecture,
                f"rotations.architectures, {known}",
            )
    for network in preset.lie_layers.networks:
        if network not in preset.lie_models.networks:
            known = ", ".join(preset.lie_models.networks)
            yield "lie_layers.networks", network, f"lie_models.networks, {known}"
    for n in preset.trained_classes.n:
        if n not in preset.classes.n:
            yield "trained_classes.n", n, f"classes.n, {preset.classes.n}"


def _names_used(settings: Any) -> Iterable[tuple[str, str]]:
    """The architectures and networks that a part of a preset names, each with its key."""
    for key in ("architectures", "networks"):
        yield from ((key, name) for name in getattr(settings, key, ()))
        single = key.removesuffix("s")
        if hasattr(settings, single):
            yield single, getattr(settings, single)
    for number, family in enumerate(getattr(settings, "families", ())):
        yield from ((f"families.{number}.{key}", name) for key, name in _names_used(family))


def _networks_used(preset: Preset) -> Iterable[tuple[str, str, int]]:
    """The networks that a preset names: key path, name, and side of the images that they see."""
    side = preset.dataset.side
    for study, settings in preset:
        if isinstance(settings, Stability):
            for number, task in enumerate(settings.tasks):
                own = task.dataset == preset.dataset.name
                pixels = side if own else DATASETS[task.dataset].side
                for network in task.networks:
                    yield f"{study}.tasks.{number}.networks", network, pixels
            continue
        for key, name in _names_used(settings):
            if "network" in key:
                yield f"{study}.{key}", name, side


def _visible(location: Iterable[Any]) -> list[Any]:
    """A fault's location without the tags of unions and the marks of mapping keys."""
    parts = [part for part in location if part != "[key]"]
    if len(parts) > 2 and parts[0] in ("architectures", "networks"):
        del parts[2]
    return parts


def _keys_beside(location: tuple[Any, ...]) -> list[str]:
    """The keys that are allowed where an unknown one stands, found through the JSON schema."""
    schema = json_schema()
    node: Any = schema
    for part in location[:-1]:
        node = _resolve(node, schema)
        if "discriminator" in node:
            node = _resolve({"$ref": node["discriminator"]["mapping"][part]}, schema)
        elif part in node.get("properties", {}):
            node = node["properties"][part]
        else:
            values = [*node.get("patternProperties", {}).values()]
            node = values[0] if values else node.get("additionalProperties", {})
    return list(_resolve(node, schema).get("properties", {}))


def _resolve(node: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = node.get("$ref")
    return schema["$defs"][reference.rsplit("/", 1)[1]] if reference else node


def _allowed(given: str, names: Iterable[str]) -> str:
    choices = list(names)
    near = difflib.get_close_matches(given, choices, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}allowed: {', '.join(choices)}"


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2, sort_keys=True))
