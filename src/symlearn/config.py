"""The config: a closed model of `config.yaml`, its errors in plain words, its JSON schema.

Light on purpose: the Snakefile imports it, so nothing here imports an array library.
"""

import difflib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    ValidationError,
    model_validator,
)

from symlearn.architectures import MODELS, STANDARD
from symlearn.dataset_facts import DATASETS
from symlearn.errors import ConfigError
from symlearn.networks import catalogue

DatasetName: Any = Literal[tuple(DATASETS)]
GroupName = Literal["cyclic-rotation", "cyclic-shift", "dihedral", "product-shift"]
CyclicGroupName = Literal["cyclic-rotation", "cyclic-shift"]
PresetName = Literal["quick", "standard", "paper"]
# Those of `symlearn.datasets.distribution_shift`, but the one that needs another data set.
ShiftName = Literal["inversion", "patch-shuffling", "smooth-fields", "noise"]


def _distinct(values: list[Any]) -> list[Any]:
    if len(set(values)) != len(values):
        raise ValueError("a value stands twice")
    return values


Distinct = AfterValidator(_distinct)
# `yes` and `3.0` are no whole numbers.
Whole = Annotated[int, Strict()]
Count = Annotated[Whole, Field(gt=0)]
Sizes = Annotated[list[Annotated[Whole, Field(ge=2, le=720)]], Field(min_length=1), Distinct]
Names = Annotated[list[str], Field(min_length=1), Distinct]
RidgeFactor = Annotated[float, Field(gt=0, lt=1)]
Rate = Annotated[float, Field(gt=0)]
Finite = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Digits = Annotated[list[Annotated[Whole, Field(ge=0, le=9)]], Field(min_length=1), Distinct]
# Names become parts of file names and of command lines, so they are plain.
PlainName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
# One entry of `architectures`; its key `kind` says which model it is held to.
Architecture: Any = Annotated[Union[tuple(MODELS.values())], Field(discriminator="kind")]  # noqa: UP007


class Closed(BaseModel):
    """A part of the config: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Dataset(Closed):
    """Which images, and what is done to them before a group acts."""

    name: DatasetName
    upsampling: Annotated[Whole, Field(ge=1, le=8)] = Field(
        default=1, description="integer factor, cubic splines, before the padding"
    )
    padding: Annotated[Whole, Field(ge=0, le=64)] = Field(
        default=0, description="empty pixels added on each side"
    )

    @model_validator(mode="after")
    def _grey(self) -> "Dataset":
        if DATASETS[self.name].channels > 1:
            raise ValueError(
                f"name: {self.name!r} has colours, and kernels and orbits are of grey images; name "
                "it in stability.tasks"
            )
        return self

    @property
    def side(self) -> int:
        """The side in pixels of the images after upsampling and padding."""
        return DATASETS[self.name].side * self.upsampling + 2 * self.padding


class Pairs(Closed):
    """Pairs of seed images of different classes, each with its orbit."""

    group: GroupName
    n: Sizes = Field(description="order of the cyclic group, n of the n-gon, shifts per axis")
    pairs: Count
    chunk: Count = Field(default=128, description="pairs in one job")
    architectures: Names


class Shifts(Pairs):
    """Pairs under an exact group action, with ridges for the kernels whose orbits collapse."""

    ridge_factors: Annotated[list[RidgeFactor], Field(min_length=1), Distinct] = Field(
        description="ridge as a share of the Gram matrix's trace; the smallest serves as none"
    )


class Seeds(Closed):
    """Several seed images of each of two classes, drawn anew for each draw."""

    group: CyclicGroupName
    n: Sizes
    seeds_per_class: Count
    draws: Count
    chunk: Count = Field(default=16, description="draws in one job")
    architectures: Names


class Classes(Closed):
    """Several seed images of every class of the data set, one draw."""

    group: CyclicGroupName
    n: Sizes
    seeds_per_class: Count
    architectures: Names


class RingSweeps(Closed):
    """Two rings of points under a Gaussian kernel."""

    n: Sizes = Field(description="points per ring, swept at separation 1")
    separations: Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=2), Distinct] = (
        Field(description="distances of the rings' planes, swept at 6 points per ring")
    )
    ridge_factor: RidgeFactor = Field(description="ridge as a share of the training points' trace")


class Portrait(Closed):
    """Two seed images in many poses, for the pictures of orbits."""

    classes: Annotated[
        list[Annotated[Whole, Field(ge=0, le=9)]], Field(min_length=2, max_length=2), Distinct
    ]
    poses: Annotated[Whole, Field(ge=8, le=720)]


class Partial(Closed):
    """Networks trained on all rotations of all classes but the upright pose of one class."""

    n: Sizes
    networks: Names
    images: Count | None = Field(
        default=None, description="seed images, equally many of each class; all where it is null"
    )
    left_out: Digits = Field(description="classes, each left out from networks of its own")
    seeds: Count = Field(default=1, description="initialisations for each class left out")
    chunk: Count = Field(default=10, description="classes left out in one job")
    epochs: Count
    batch: Count
    learning_rate: Rate = 1e-3


class LongTraining(Closed):
    """The task of `partial` for many epochs, with and without weight decay."""

    n: Annotated[Whole, Field(ge=2, le=720)]
    network: str
    images: Count | None = None
    left_out: Digits
    epochs: Count
    batch: Count
    learning_rate: Rate = 1e-3
    weight_decays: Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=1), Distinct] = (
        Field(description="decoupled weight decay; 0 is none")
    )


class TrainedPairs(Closed):
    """Networks of finite width trained on the pairs of `rotations`, by Adam as in the paper."""

    n: Annotated[Whole, Field(ge=2, le=720)]
    pairs: Count
    chunk: Count = Field(default=64, description="pairs in one job")
    architecture: str
    width: Count
    steps: Count = Field(description="full-batch steps of the optimiser")
    learning_rate: Rate = 1e-3


class Widths(Closed):
    """Networks over width, trained by gradient descent on the pairs of `rotations`."""

    n: Sizes
    pairs: Count
    architecture: str
    widths: Annotated[list[Count], Field(min_length=2), Distinct]
    seeds: Count = Field(default=1, description="initialisations for each pair and missing pose")
    steps: Count
    learning_rate: Rate = Field(
        default=0.05,
        description="of the mean squared error; much above it, narrow networks die on the way",
    )
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.98


class TrainedClasses(Closed):
    """A network trained on the ten classes of `classes`."""

    n: Sizes
    network: str
    epochs: Count
    least_steps: Count = Field(
        default=1, description="epochs are added where few rotations make them shorter than this"
    )
    batch: Count
    learning_rate: Rate = 1e-3


class StabilitySamples(Closed):
    """One image under random smooth deformations, over temperature and cutoff."""

    class_: Annotated[Whole, Field(ge=0, le=9)]
    upsampling: Annotated[Whole, Field(ge=1, le=8)] = Field(
        default=1, description="instead of the data set's, before its padding"
    )
    cutoffs: Annotated[list[Annotated[Whole, Field(ge=2, le=64)]], Field(min_length=1), Distinct]
    temperatures: Annotated[list[Rate], Field(min_length=2), Distinct]
    fields: Count = Field(description="fields of which the share that folds is counted")


class StabilityTask(Closed):
    """Networks that are trained to classify a data set, on subsets of several sizes."""

    dataset: DatasetName
    networks: Names
    points: Annotated[list[Count], Field(min_length=2), Distinct] = Field(
        description="training images"
    )
    test: Count = Field(description="images that no network is trained on, for the test error")
    seeds: Annotated[Whole, Field(ge=2)] = Field(
        description="draws of training images, each with its initialisation"
    )
    steps: Count = Field(description="optimiser steps, the same for all numbers of images")
    batch: Count = 128

    @model_validator(mode="after")
    def _enough_images(self) -> "StabilityTask":
        count, needed = DATASETS[self.dataset].images, max(self.points) + self.test
        if needed > count:
            raise ValueError(
                f"points: {max(self.points)} training and {self.test} test images are more than "
                f"the {count} of {self.dataset}"
            )
        return self


class Stability(Closed):
    """Relative stability to deformations, before and after training."""

    tasks: Annotated[list[StabilityTask], Field(min_length=1)]
    displacement: Rate = Field(default=1.0, description="nominal, in pixels")
    cutoff: Annotated[Whole, Field(ge=2, le=64)] = 3
    images: Annotated[Whole, Field(ge=2)] = Field(
        default=500, description="test images that are deformed"
    )
    draws: Count = Field(default=8, description="deformations of each image")

    @property
    def networks(self) -> list[str]:
        """The networks of all tasks."""
        return list(dict.fromkeys(name for task in self.tasks for name in task.networks))

    @model_validator(mode="after")
    def _each_data_set_once(self) -> "Stability":
        _distinct([task.dataset for task in self.tasks])
        for task in self.tasks:
            if self.images > task.test:
                raise ValueError(f"images: {self.images} is more than the {task.test} test images")
        return self


class StripeRuns(Closed):
    """Trainings of the stripe model on one number of points."""

    points: Annotated[Whole, Field(ge=2)]
    seeds: Annotated[Whole, Field(ge=2)] = Field(
        description="draws of points, each with its initialisation"
    )


class StripeTraining(Closed):
    """The stripe model: one hidden layer in two regimes, and its kernel of infinite width."""

    dimension: Annotated[Whole, Field(ge=2)] = 5
    width: Count = 400
    test_points: Count = 20_000
    chunk: Count = Field(default=4, description="trainings in one job")
    feature: Annotated[list[StripeRuns], Field(min_length=2)]
    lazy: Annotated[list[StripeRuns], Field(min_length=2)]
    kernel: Annotated[list[StripeRuns], Field(min_length=2)]
    checks: StripeRuns = Field(
        description="feature trainings that are repeated wider, in smaller steps and so on"
    )


class LieAliasing(Closed):
    """Nonlinearities and down-samplings of random band-limited images, without training."""

    pixels: Annotated[Whole, Field(ge=9, le=99)] = Field(
        description="side of the images that come out; odd, so that no mode is half aliased"
    )
    draws: Annotated[Whole, Field(ge=2)] = Field(description="random images at each frequency")
    phases: Annotated[Whole, Field(ge=2)] = Field(description="shifts of each single cosine")

    @model_validator(mode="after")
    def _odd(self) -> "LieAliasing":
        if self.pixels % 2 == 0:
            raise ValueError(f"pixels: {self.pixels} is even; an odd number is needed")
        return self


class InvarianceFamily(Closed):
    """One untied network and one group, learned in several ways, beside its weight-tied kin."""

    network: str
    group: catalogue.ExactGroup
    n: Annotated[Whole, Field(ge=2, le=64)]
    strengths: Annotated[list[Finite], Field(min_length=1), Distinct] = Field(
        description="of the invariance loss, beside augmentation alone"
    )
    tied: Annotated[list[Literal["averaged", "pooled"]], Field(min_length=1), Distinct]
    weight_decays: Annotated[list[Finite], Distinct] = Field(
        default=[], description="decoupled, with augmentation: the controls of spectral decay"
    )


class Invariance(Closed):
    """Learned against genuine invariance: networks, distribution shifts, what is measured."""

    train: Count = Field(description="training images")
    test: Count = Field(description="test images")
    images: Annotated[Whole, Field(ge=2)] = Field(description="test images that are measured")
    seeds: Annotated[Whole, Field(ge=2)]
    epochs: Count
    batch: Count
    learning_rate: Rate = 1e-3
    families: Annotated[list[InvarianceFamily], Field(min_length=1)] = Field(
        description="the first is drawn in every figure and has controls"
    )
    shifts: Annotated[list[ShiftName], Field(min_length=1), Distinct]
    shift_strengths: Annotated[
        list[Annotated[float, Field(gt=0, le=1)]], Field(min_length=1), Distinct
    ] = Field(description="degrees of the shifts, beside none; 1 is the full shift")
    other: Dataset | None = Field(
        default=None, description="data set that images are interpolated to, as a further shift"
    )
    strength: Finite = Field(
        default=1.0, description="of the invariance loss where one stands for all"
    )
    class_: Annotated[Whole, Field(ge=0, le=9)] = Field(
        default=4, description="of the image whose saliency is drawn"
    )
    partial_images: Annotated[Whole, Field(ge=2)] = Field(
        default=100, description="at most so many of the class left out of `partial`, and others"
    )
    snapshots: Annotated[list[Annotated[Whole, Field(ge=0)]], Field(min_length=2), Distinct] = (
        Field(description="epochs at which spectra are measured, beside the last")
    )

    @model_validator(mode="after")
    def _fits(self) -> "Invariance":
        first = self.families[0]
        if not first.weight_decays:
            raise ValueError("families.0.weight_decays: the first family needs one or more")
        if self.images > self.test:
            raise ValueError(f"images: {self.images} is more than the {self.test} test images")
        if 1.0 not in self.shift_strengths:
            raise ValueError("shift_strengths: 1, the full shift, is missing")
        for number, family in enumerate(self.families):
            if self.strength not in family.strengths:
                raise ValueError(f"families.{number}.strengths: {self.strength:g} is missing")
        if max(self.snapshots) >= self.epochs:
            raise ValueError(
                f"snapshots: {max(self.snapshots)} is not before the last of {self.epochs} epochs"
            )
        return self


class LieModels(Closed):
    """A family of networks, each trained without and with random translations and rotations."""

    networks: Names
    seeds: Count = Field(default=2, description="initialisations and sets of training images")
    train: Count = Field(description="training images")
    test: Count = Field(description="test images, of which accuracies are measured")
    images: Count = Field(description="test images of which errors are measured")
    pixels: Count = Field(description="largest random translation along each axis")
    draws: Count = Field(description="finite transformations of the measures to compare with")
    epochs: Count
    batch: Count
    learning_rate: Rate = 3e-3

    @model_validator(mode="after")
    def _among_the_test_images(self) -> "LieModels":
        if self.images > self.test:
            raise ValueError(f"images: {self.images} is more than the {self.test} of test")
        return self


class LieLayers(Closed):
    """Networks of the family, trained without augmentation, whose layers are told apart."""

    networks: Names
    images: Count


class LiePartial(Closed):
    """The Lie derivative of the networks of `partial`."""

    images: Count = Field(description="at most, of the class left out and of the others")


class Preset(Closed):
    """All that a preset chooses: data, grids, seeds and sizes; never code paths."""

    seed: Annotated[Whole, Field(ge=0, description="root of all random draws")]
    dataset: Dataset
    rings: RingSweeps
    portrait: Portrait
    rotations: Pairs
    seeds: Seeds
    classes: Classes
    shifts: Shifts
    dihedral: Pairs
    precision: Pairs
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
    def _pooled_networks_are_perceptrons(self) -> "Config":
        for name, preset in self.presets.items():
            for number, family in enumerate(preset.invariance.families):
                if "pooled" in family.tied and "widths" not in self.network(family.network):
                    path = f"presets.{name}.invariance.families.{number}.tied"
                    raise ValueError(
                        f"{path}: pooled ties a perceptron, not {family.network!r}; "
                        "averaged ties any network"
                    )
        return self

    @property
    def chosen(self) -> Preset:
        """The preset that this run uses."""
        return self.presets[self.preset]

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


def read_yaml(path: Path) -> Any:
    """What a YAML file holds; raises ConfigError where it is none, or holds a key twice.

    YAML itself would silently take the second of two equal keys.
    """
    try:
        return yaml.load(path.read_text(), _EachKeyOnce)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{path}: cannot be read as YAML: {reason}") from None


class _EachKeyOnce(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for key, _ in node.value:
            if keys.count(key.value) > 1 and key.value != "<<":
                problem = f"the key {key.value!r} stands twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
        return super().construct_mapping(node, deep)


def load(path: Path) -> Config:
    """The validated config of a YAML file; raises ConfigError."""
    raw = read_yaml(path)
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: a config is a mapping of keys, not {type(raw).__name__}")
    return parse(raw, str(path))


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
