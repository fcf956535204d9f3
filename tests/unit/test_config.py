import copy
import importlib
import json
import math
import re
import subprocess
import sys
from inspect import signature
from pathlib import Path
from typing import get_args

import jsonschema
import numpy as np
import pytest
import yaml

from symlearn import plan, wings
from symlearn.config import json_schema, load, overlaid, parse, schema_text
from symlearn.datasets import load_images
from symlearn.datasets.distribution_shift import SHIFTS, shuffle_patches
from symlearn.errors import ConfigError
from symlearn.groups import action_of
from symlearn.menu.datasets import DATASETS
from symlearn.menu.groups import GROUPS
from symlearn.menu.lookup import module_of
from symlearn.papers.invariance.settings import PATCHES, ShiftName

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "workflow" / "config.schema.json"


def changed(raw, path, value):
    """The config with another value at a key path; a path that is new is added."""
    changed = copy.deepcopy(raw)
    *parents, last = path.split(".")
    node = changed
    for key in parents:
        node = node[int(key)] if isinstance(node, list) else node.setdefault(key, {})
    node[last] = value
    return changed


def planned(raw):
    """The cells of all figures of a config; raises ConfigError for a fault in any study."""
    return plan.figures(parse(raw))


PRESETS = ("quick", "standard", "paper")
# Small images, which some settings do not fit.
OF_DIGITS = {
    "dataset": {"name": "digits", "padding": 2},
    "shifts": {"n": [2, 4, 6, 12]},
    "partial": {"images": 300},
    "stability": {
        "tasks": [
            {
                "dataset": "digits", "networks": ["fully-connected", "lenet"],
                "points": [128, 400, 1250], "test": 400, "seeds": 3, "steps": 200, "batch": 32,
            }
        ]
    },
}  # fmt: skip


@pytest.fixture
def of_digits(shipped):
    """The config as it is shipped, with `quick` on the digits of 8 x 8 pixels, framed."""
    quick = shipped["presets"]["quick"]
    shipped["presets"]["quick"] = overlaid(quick, OF_DIGITS)
    return shipped


@pytest.mark.parametrize("preset", PRESETS)
def test_the_shipped_config_is_valid_for_each_preset(shipped, preset):
    config = parse({**shipped, "preset": preset})
    assert config.preset == preset
    assert config.presets == list(PRESETS)
    assert set(plan.figures(config)) == set(plan.figure_names())


def test_the_shipped_file_is_read_as_it_stands(shipped):
    read, parsed = load(ROOT / "config.yaml"), parse(shipped)
    assert (read.file, read.context) == (parsed.file, parsed.context)


QUICK = "presets.quick"
SHELL_NAMES = ["a b", "a;rm", "$(x)", "../x", "-rf", "", "Ä", "x\n", "a" * 41]
FAMILY = {
    "network": "mlp-128", "group": "cyclic-rotation", "n": 4, "strengths": [1],
    "tied": ["averaged"], "weight_decays": [1],
}  # fmt: skip
STRIPE = f"{QUICK}.stripe_training"
FAMILIES = f"{QUICK}.invariance.families"
# key path, value, what the message must hold beside the path
FAULTS = {
    "unknown-key": (f"{QUICK}.rotations.pear", 1, ["unknown key", "did you mean 'pairs'", "chunk"]),
    "unknown-top-key": ("presset", "quick", ["unknown key", "did you mean 'preset'"]),
    "unknown-parameter": (
        "architectures.mine",
        {"kind": "cnn", "readout": "gap", "filter_siz": 3},
        ["mine.filter_siz: unknown key", "did you mean 'filter_size'"],
    ),
    "text-for-number": (f"{QUICK}.rotations.pairs", "many", ["'many'", "integer"]),
    "yes-for-number": (f"{QUICK}.rotations.pairs", True, ["True", "integer"]),
    "fraction-for-number": (f"{QUICK}.seed", 1.5, ["1.5", "integer"]),
    "text-for-list": (f"{QUICK}.rotations.architectures", "mlp-1", ["'mlp-1'", "list"]),
    "nothing-for-mapping": (f"{QUICK}.rotations", None, ["None", "Rotations"]),
    "too-small": (f"{QUICK}.dihedral.pairs", 0, ["0", "greater than 0"]),
    "negative-seed": (f"{QUICK}.seed", -1, ["-1", "greater than or equal to 0"]),
    "too-large": (f"{QUICK}.rotations.n", [2, 721], ["n.1: 721", "less than or equal to 720"]),
    "ridge-of-one": (f"{QUICK}.shifts.ridge_factors", [1.0], ["1.0", "less than 1"]),
    "empty-grid": (f"{QUICK}.rotations.n", [], ["[]", "at least 1"]),
    "n-twice": (f"{QUICK}.rotations.n", [4, 2, 4], ["[4, 2, 4]", "twice"]),
    "ridge-twice": (f"{QUICK}.shifts.ridge_factors", [0.1, 0.1], ["[0.1, 0.1]", "twice"]),
    "separation-twice": (f"{QUICK}.rings.separations", [1, 1.0], ["twice"]),
    "architecture-twice": (f"{QUICK}.seeds.architectures", ["mlp-1", "mlp-1"], ["twice"]),
    "class-twice": (f"{QUICK}.portrait.classes", [4, 4], ["[4, 4]", "twice"]),
    "unknown-class": (f"{QUICK}.portrait.classes", [4, 10], ["no class 10", "only 0 to 9"]),
    "network": (f"{QUICK}.partial.networks", ["cn"], ["'cn' is unknown", "'cnn'", "vit-48"]),
    "single-network": (
        f"{QUICK}.long_training.network",
        "vit48",
        ["'vit48' is unknown", "did you mean 'vit-48'"],
    ),
    "network-without-kind": ("networks.mine", {"width": 3}, ["kind is missing", "convnet"]),
    "network-parameter": (
        "networks.mine",
        {"kind": "perceptron", "width": [3]},
        ["mine.width: unknown key", "did you mean 'widths'"],
    ),
    "theory-without-n": (f"{QUICK}.trained_pairs.n", 6, ["6 is not in rotations.n", "add it"]),
    "theory-without-pairs": (
        f"{QUICK}.widths.pairs",
        999,
        ["999 is more than rotations.pairs, 64", "take a smaller one"],
    ),
    "theory-without-architecture": (
        f"{QUICK}.widths.architecture",
        "cnn-gap-3-3",
        ["not in rotations.architectures, mlp-1"],
    ),
    "kernel-of-no-dense-network": (
        f"{QUICK}.widths.architecture",
        "cnn-gap-3",
        ["'cnn-gap-3' is of kind cnn", "trained here of mlp"],
    ),
    "more-images-than-there-are": (
        f"{QUICK}.partial.images",
        5000,
        ["5000 is not from 10 to 1740", "take a smaller number, or null for all"],
    ),
    "images-that-no-class-gets": (
        f"{QUICK}.partial.images",
        25,
        ["25 is no multiple of 10", "take 20"],
    ),
    "layers-of-more-than-the-test": (
        f"{QUICK}.lie_layers.images",
        301,
        ["301 is more than the test images, lie_models.test, 300", "a smaller one"],
    ),
    "endless-rate": (f"{QUICK}.lie_models.learning_rate", math.inf, ["inf", "finite number"]),
    "no-number": (f"{QUICK}.rings.separations", [0.0, math.nan], ["1: nan", "finite number"]),
    "endless-architecture": (
        "architectures.mine",
        {"kind": "rbf", "inverse_length": math.inf},
        ["mine.inverse_length: inf", "finite number"],
    ),
    "no-dropout": (
        "networks.mine",
        {"kind": "perceptron", "widths": [3], "dropout": math.nan},
        ["mine.dropout: nan", "finite number"],
    ),
    "no-folder": ("data_root", "nowhere/at-all", [str(Path("nowhere/at-all").absolute())]),
    "network-for-larger-images": (
        f"{QUICK}.partial.networks",
        ["mlp", "alexnet"],
        ["'alexnet' needs images of 16 pixels a side or more, not 12"],
    ),
    "task-of-larger-images": (
        f"{QUICK}.stability.tasks.0.networks",
        ["efficientnet-b0"],
        ["'efficientnet-b0' needs images of 16 pixels a side or more, not 12"],
    ),
    "fewer-images-than-classes": (
        f"{QUICK}.long_training.images",
        9,
        ["9 is not from 10 to", "take a larger number"],
    ),
    "layers-without-networks": (
        f"{QUICK}.lie_layers.networks",
        ["cnn", "vit-48"],
        ["'vit-48' is not in lie_models.networks, fully-connected", "add it there"],
    ),
    "more-than-the-test": (
        f"{QUICK}.lie_models.images",
        301,
        ["lie_models.images: 301 is more than the 300 of test", "a smaller number"],
    ),
    "classes-without-n": (f"{QUICK}.trained_classes.n", [3], ["3 is not in classes.n"]),
    "architecture": (
        f"{QUICK}.rotations.architectures",
        ["mpl-1"],
        ["'mpl-1' is unknown", "did you mean 'mlp-1'", "cnn-gap-3-3"],
    ),
    "group": (
        f"{QUICK}.shifts.group",
        "product-shft",
        ["'product-shft' is unknown", "did you mean 'product-shift'", "cyclic-shift"],
    ),
    "group-of-figures-that-turn": (
        f"{QUICK}.rotations.group",
        "cyclic-shift",
        ["'cyclic-shift' is unknown", "allowed: cyclic-rotation"],
    ),
    "group-that-is-not-dihedral": (
        f"{QUICK}.dihedral.group",
        "cyclic-rotation",
        ["'cyclic-rotation' is unknown", "allowed: dihedral"],
    ),
    "group-that-is-not-cyclic": (
        f"{QUICK}.precision.group",
        "product-shift",
        ["'product-shift' is unknown", "cyclic-rotation, cyclic-shift"],
    ),
    "group-of-no-shifts": (
        f"{QUICK}.shifts.group",
        "cyclic-rotation",
        ["'cyclic-rotation' is unknown", "allowed: cyclic-shift, product-shift"],
    ),
    "pairs-without-a-triangle": (
        f"{QUICK}.rotations.pairs",
        2,
        ["2: three pairs or more make the triangles"],
    ),
    "one-size-of-rings": (f"{QUICK}.rings.n", [4], ["[4]", "at least 2"]),
    "group-of-other-studies": (
        f"{QUICK}.seeds.group",
        "dihedral",
        ["'dihedral' is unknown", "allowed: cyclic-rotation, cyclic-shift"],
    ),
    "data-set": (f"{QUICK}.dataset.name", "minst", ["'minst'", "did you mean 'mnist'", "digits"]),
    "far-from-all": (f"{QUICK}.dataset.name", "zzz", ["'zzz' is unknown; allowed: digits"]),
    "preset": ("preset", "quik", ["'quik' has no entry", "did you mean 'quick'", "paper"]),
    "preset-of-a-strange-name": ("presets.a b", {}, ["'a b'", "match"]),
    "preset-that-extends-nothing": (
        f"{QUICK}.extends",
        "standart",
        ["'standart' cannot be extended", "did you mean 'standard'"],
    ),
    "preset-that-extends-itself": (f"{QUICK}.extends", "quick", ["'quick' cannot be extended"]),
    "study-of-no-name": (f"{QUICK}.rotatons", {}, ["unknown key", "did you mean 'rotations'"]),
    "kind": ("architectures.mine", {"kind": "cnnn"}, ["'cnnn'", "did you mean 'cnn'", "rbf"]),
    "no-kind": ("architectures.mine", {"hidden_layers": 1}, ["kind is missing", "cnn, mlp, rbf"]),
    "even-filter": (
        "architectures.mine",
        {"kind": "cnn", "readout": "gap", "filter_size": 4},
        ["mine.filter_size: 4: ", "odd"],
    ),
    "standard-name": ("architectures.mlp-1", {"kind": "mlp", "hidden_layers": 2}, ["standard"]),
    "version": ("config_version", 3, ["3 is unknown; allowed: 2"]),
    "shifts": (f"{QUICK}.shifts.n", [2, 5], ["5 does not divide", "side, 12 pixels"]),
    "shifts-in-two-directions": (
        f"{QUICK}.shifts",
        {
            "group": "product-shift",
            "n": [7],
            "pairs": 1,
            "architectures": ["mlp-1"],
            "ridge_factors": [1e-5],
        },
        ["shifts.n: 7 does not divide", "12 pixels"],
    ),
    "too-many-seeds": (
        f"{QUICK}.seeds.seeds_per_class",
        175,
        ["175 is more than the 174 images", "digits"],
    ),
    "no-shift": (f"{QUICK}.invariance.shifts", [], ["[]", "at least 1"]),
    "no-full-shift": (f"{QUICK}.invariance.shift_strengths", [0.5], ["1, the full shift"]),
    "endless-loss": (FAMILIES, [FAMILY | {"strengths": [1, math.inf]}], ["inf", "finite number"]),
    "interpolated-group": (FAMILIES, [FAMILY | {"n": 8}], ["0.n: 8 turns by interpolation"]),
    "shift-of-another-size": (
        FAMILIES,
        [FAMILY, FAMILY | {"group": "cyclic-shift", "n": 5}],
        ["families.1.n: 5 does not divide"],
    ),
    "strength-not-trained": (
        FAMILIES,
        [FAMILY | {"strengths": [2]}],
        ["0.strengths: 1 is missing"],
    ),
    "pooled-convnet": (
        FAMILIES,
        [FAMILY, FAMILY | {"network": "cnn-8", "tied": ["pooled"]}],
        ["families.1.tied: pooled ties a perceptron without dropout, not 'cnn-8' (convnet)"],
    ),
    "pooled-dropout": (
        FAMILIES,
        [FAMILY, FAMILY | {"network": "mlp", "tied": ["averaged", "pooled"]}],
        ["families.1.tied: pooled ties", "not 'mlp' (with dropout)"],
    ),
    "pooled-twice": (
        FAMILIES,
        [FAMILY, FAMILY | {"network": "mlp-256-pooled", "tied": ["pooled"]}],
        ["families.1.tied: pooled ties", "(orbit-pooled)"],
    ),
    "network-of-a-family": (
        FAMILIES,
        [FAMILY | {"network": "mlp128"}],
        ["families.0.network: 'mlp128' is unknown", "did you mean 'mlp-128'"],
    ),
    "no-control": (FAMILIES, [FAMILY | {"weight_decays": []}], ["needs one or more"]),
    "too-many-measured": (
        f"{QUICK}.invariance.images",
        401,
        ["401 is more than the 400 test", "a smaller number"],
    ),
    "stripe-without-both": (
        f"{STRIPE}.lazy",
        [{"points": 16, "seeds": 2}, {"points": 1024, "seeds": 2}],
        ["lazy: has no number of points that feature has"],
    ),
    "stripe-checks-of-nothing": (
        f"{STRIPE}.checks.points",
        256,
        ["checks.points: 256 is not among those of feature"],
    ),
    "stripe-without-kernels": (
        STRIPE,
        {
            name: [{"points": 1024, "seeds": 2}, {"points": 2048, "seeds": 2}]
            for name in ("feature", "cylinder", "lazy", "kernel")
        }
        | {"checks": {"points": 1024, "seeds": 2}},
        ["feature: needs a number of points up to 512"],
    ),
    "stripe-of-one-class": (
        f"{STRIPE}.feature",
        [{"points": 2, "seeds": 2}, {"points": 32, "seeds": 2}],
        ["feature.0.points: 2", "greater than or equal to 16"],
    ),
    **{
        f"stripe-{name}-twice": (
            f"{STRIPE}.{name}",
            [{"points": 32, "seeds": 2}, {"points": 32, "seeds": 4}],
            [f"{name}: a number of points stands twice in [32, 32]"],
        )
        for name in ("feature", "cylinder", "lazy", "kernel")
    },
    "late-snapshot": (f"{QUICK}.invariance.snapshots", [0, 40], ["40 is not before the last"]),
    "interpolation-to-another-size": (
        f"{QUICK}.invariance.other",
        {"name": "digits"},
        ["8 pixels a side, not 12"],
    ),
    "more-trained-and-measured-than-there-are": (
        f"{QUICK}.invariance.train",
        1398,
        ["1398 training and 400 test images are more than the 1797 of digits"],
    ),
    "more-of-the-family-than-there-are": (
        f"{QUICK}.lie_models.train",
        1498,
        ["1498 training and 300 test images are more than the 1797 of digits"],
    ),
    "one-image-has-no-variance": (f"{QUICK}.lie_models.images", 1, ["1", "equal to 2"]),
    "one-image-of-each-class": (
        f"{QUICK}.partial.images",
        19,
        ["partial.images: 19 is less than two of each of the 10 classes"],
    ),
    "too-few-images-of-one-network": (
        f"{QUICK}.partial.by_network.cnn",
        {"images": 25},
        ["by_network.cnn.images: 25 is no multiple of 10", "take 20"],
    ),
    "recipe-of-no-network": (
        f"{QUICK}.partial.by_network.cn",
        {"epochs": 3},
        ["'cn' is unknown", "did you mean 'cnn'"],
    ),
    "too-many-seeds-of-ten": (f"{QUICK}.classes.seeds_per_class", 175, ["175", "174"]),
}
FAULTS |= {
    f"name-{name!r}": (f"architectures.{name}", {"kind": "mlp", "hidden_layers": 1}, [repr(name)])
    for name in SHELL_NAMES
    if "." not in name
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_line_with_key_path_value_and_what_is_allowed(of_digits, fault):
    path, value, parts = FAULTS[fault]
    with pytest.raises(ConfigError) as raised:
        planned(changed(of_digits, path, value))
    message = str(raised.value)
    assert message.startswith("config.yaml: ")
    for part in [path, *parts]:
        assert part in message
    assert "\n" not in message.replace(path, "")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"patch": 5, "width": 32}, "patches of 5 pixels, which do not tile images of 12"),
        ({"width": 30}, "a width of 30, which is no multiple of 4"),
    ],
)
def test_a_transformer_of_ones_own_must_fit_the_images(of_digits, entry, reason):
    of_digits["networks"]["mine"] = {"kind": "vision-transformer", "mlp_width": 8, **entry}
    for study in ("lie_models.networks", "partial.networks"):
        used = changed(of_digits, f"{QUICK}.{study}", ["resnet8-8", "vit-plain-32", "mine"])
        with pytest.raises(ConfigError, match=f"{QUICK}.{study}: 'mine' has {reason}"):
            planned(used)


def test_the_networks_of_a_task_must_fit_its_own_images(of_digits):
    task = of_digits["presets"]["quick"]["stability"]["tasks"][0]
    tasks = [task, {**task, "dataset": "cifar10-part", "networks": ["alexnet"]}]
    assert planned(changed(of_digits, f"{QUICK}.stability.tasks", tasks))
    # The digits are framed where they are the preset's own images, and nowhere else.
    of_digits["presets"]["quick"]["dataset"] = {"name": "mnist", "padding": 4}
    with pytest.raises(ConfigError, match=r"tasks\.0\.networks: 'lenet' needs .* 12 .* not 8"):
        planned(of_digits)


@pytest.mark.parametrize(
    ("key", "figure"),
    [
        ("partial.left_out", "fig1"), ("long_training.left_out", "fig11"),
        ("portrait.classes", "fig4"),
        ("invariance.class_", "invariance-saliency"),
    ],
)  # fmt: skip
def test_a_class_that_the_data_set_lacks_is_one_line(of_digits, monkeypatch, key, figure):
    two = {**DATASETS, "digits": DATASETS["digits"]._replace(classes=2)}
    monkeypatch.setattr("symlearn.menu.values.DATASETS", two)
    with pytest.raises(ConfigError, match=rf"{re.escape(key)}: there is no class \d, only 0 to 1"):
        plan.figures(parse(of_digits), [figure])


def test_the_home_folder_may_be_written_short(shipped, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "sets").mkdir()
    assert parse({**shipped, "data_root": "~/sets"}).data_root == str(tmp_path / "sets")
    with pytest.raises(ConfigError, match=rf"data_root: '~/none': {tmp_path}/none is no folder"):
        parse({**shipped, "data_root": "~/none"})


def test_dots_in_names_are_refused(shipped):
    shipped["architectures"]["../x"] = {"kind": "mlp", "hidden_layers": 1}
    with pytest.raises(ConfigError, match=r"'\.\./x'"):
        parse(shipped)


@pytest.mark.parametrize("key", ["presets", "preset", "config_version"])
def test_a_missing_key_is_named(shipped, key):
    del shipped[key]
    with pytest.raises(ConfigError, match=f"^config.yaml: {key}: this key is missing$"):
        parse(shipped)


@pytest.mark.parametrize("key", ["rotations", "rotations.n", "stability", "lie_partial.images"])
def test_a_missing_key_of_a_study_is_named_where_it_may_be_added(shipped, key):
    *parents, last = key.split(".")
    for part in (shipped["base"], shipped["presets"]["quick"]):
        node = part
        for parent in parents:
            node = node.get(parent, {})
        node.pop(last, None)
    path = re.escape(f"{QUICK}.{key}")
    with pytest.raises(ConfigError, match=f"{path}: this key is missing"):
        planned(shipped)


def test_a_preset_without_entry_is_refused(shipped):
    del shipped["presets"]["quick"]
    with pytest.raises(ConfigError, match=r"preset: 'quick' has no entry.*allowed: standard, pap"):
        parse(shipped)


def test_all_faults_are_told_at_once(shipped):
    faulty = changed(shipped, "data_root", "nowhere/at-all")
    faulty = changed(faulty, "colour", "red")
    faulty = changed(faulty, f"{QUICK}.seed", -1)
    faulty = changed(faulty, f"{QUICK}.rotatons", {})
    faulty = changed(faulty, f"{QUICK}.rotations.pairs", "many")
    with pytest.raises(ConfigError) as raised:
        parse(faulty)
    message = str(raised.value)
    paths = ("data_root", "colour", "seed", "rotatons", "rotations.pairs")
    assert [message.count(f"{path}: ") for path in paths] == [1] * len(paths)


def test_faults_of_several_studies_and_of_what_must_fit_are_told_at_once(of_digits):
    faulty = changed(of_digits, f"{QUICK}.rings.n", [1, 4])
    faulty = changed(faulty, f"{QUICK}.shifts.n", [5, 7])
    faulty = changed(faulty, f"{QUICK}.partial.networks", ["cn"])
    with pytest.raises(ConfigError) as raised:
        planned(faulty)
    message = str(raised.value)
    assert all(text in message for text in ("rings.n.0: 1", "n: 5 does", "n: 7 does", "'cn' is"))


def test_a_config_of_version_1_gets_one_line_that_says_what_to_change(shipped):
    presets = {name: {"seed": 1} for name in PRESETS}
    with pytest.raises(
        ConfigError, match=r"^config.yaml: config_version: 1 .* set it to 2 .*$"
    ) as raised:
        parse({"config_version": 1, "preset": "quick", "presets": presets})
    assert "\n" not in str(raised.value)
    assert "CHANGELOG.md" in str(raised.value)


def test_complete_presets_without_a_base_are_a_config_too(shipped):
    quick = parse(shipped)
    whole = {**shipped, "base": {}, "presets": {"quick": quick.values.merged}}
    assert plan.figures(parse(whole)) == plan.figures(quick)


# What is wrong, and a figure that does not need it.
UNNEEDED = {
    "a number": (f"{QUICK}.rotations.pairs", "many", "fig2"),
    "an unknown key": (f"{QUICK}.stability.colour", "red", "fig5"),
    "a missing study": (f"{QUICK}.lie_models", None, "fig1"),
    "a misfit with the images": (f"{QUICK}.shifts.n", [5], "fig4"),
    "a misfit of two studies": (f"{QUICK}.widths.n", [3], "fig9"),
    "a network": (f"{QUICK}.partial.networks", ["cn"], "lie-models"),
    "another preset": ("presets.paper.rotations.pairs", "many", "fig4"),
}


@pytest.mark.parametrize("fault", UNNEEDED)
def test_a_study_that_no_requested_figure_needs_cannot_refuse_the_config(shipped, fault):
    path, value, figure = UNNEEDED[fault]
    faulty = changed(shipped, path, value)
    found = plan.figures(parse(faulty), [figure])
    assert found[figure] == plan.figures(parse(shipped), [figure])[figure]
    if "paper" not in path:
        with pytest.raises(ConfigError, match=re.escape(".".join(path.split(".")[2:4]))):
            planned(faulty)


@pytest.mark.parametrize(
    ("words", "figures"),
    [
        (["-n", "fig2"], ["fig2"]),
        (["--cores", "all", "fig2", "figures/quick/lie-layers.pdf"], ["fig2", "lie-layers"]),
        (["--cores", "all"], None),
        (["-n"], None),
        (["fig2", "claims"], None),
        (["fig2", "all"], None),
        (["results/quick/studies/rings-1234567890.nc"], None),
    ],
)
def test_the_figures_that_a_command_line_names_are_those_that_are_wanted(words, figures):
    assert plan.wanted(words) == figures


def test_a_preset_of_ones_own_says_what_it_changes(shipped):
    shipped["presets"]["mine"] = {"extends": "quick", "rotations": {"pairs": 5}, "seed": 7}
    config = parse({**shipped, "preset": "mine"})
    quick = parse(shipped)
    assert config.context.seed == 7
    assert config.context.dataset == quick.context.dataset
    assert config.study("rotations") == quick.study("rotations").model_copy(update={"pairs": 5})
    assert config.study("shifts") == quick.study("shifts")
    assert {cell.settings["preset"] for cell in plan.figures(config, ["fig8"]).values()} == {"mine"}


def test_a_preset_without_extends_changes_the_base(shipped):
    shipped["presets"]["mine"] = {"rotations": {"pairs": 5}}
    config = parse({**shipped, "preset": "mine"})
    assert config.study("rotations").n == shipped["base"]["rotations"]["n"]
    with pytest.raises(ConfigError, match=r"presets\.mine\.shifts\.pairs: this key is missing"):
        plan.figures(config, ["fig7"])


def test_lists_are_replaced_and_mappings_merged(shipped):
    shipped["presets"]["mine"] = {"extends": "quick", "rotations": {"n": [2]}}
    config = parse({**shipped, "preset": "mine"})
    assert config.study("rotations").n == [2]
    assert config.study("rotations").pairs == shipped["presets"]["quick"]["rotations"]["pairs"]


def test_a_fault_is_told_where_the_value_stands(shipped):
    shipped["presets"]["mine"] = {"extends": "quick"}
    shipped["base"]["portrait"]["poses"] = 1
    shipped["presets"]["quick"]["dihedral"]["pairs"] = 0
    config = parse({**shipped, "preset": "mine"})
    with pytest.raises(
        ConfigError, match=r": base\.portrait\.poses: 1 .*presets\.quick\.dihedral\.p"
    ):
        plan.figures(config)


def test_files_are_laid_over_each_other(tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "preset: mine\npresets: {mine: {extends: quick, rotations: {pairs: 5}}}\n"
    )
    config = load(ROOT / "config.yaml", tmp_path / "mine.yaml")
    assert config.preset == "mine"
    assert config.presets == [*PRESETS, "mine"]
    assert config.study("rotations").pairs == 5


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("preset: [quick", "cannot be read as YAML: .*line 1"),
        ("a: 1\n\tb: 2", "cannot be read as YAML: .*line 2"),
        ("a: {b: 1,\n b: 2}", "the key 'b' stands twice"),
        ("", "not NoneType"),
        ("- preset", "not list"),
        ("quick", "not str"),
        ("1: 2", "1"),
    ],
)
def test_a_file_that_is_no_config_is_one_line_with_its_name(tmp_path, text, reason):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=rf"^{re.escape(str(path))}: .*{reason}") as raised:
        load(path)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: cannot be read"):
        load(tmp_path / "nowhere.yaml")
    (tmp_path / "picture.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"picture\.yaml: cannot be read"):
        load(tmp_path / "picture.yaml")


def test_numbers_written_without_a_point_are_numbers(shipped):
    raw = changed(shipped, f"{QUICK}.rings.ridge_factor", yaml.safe_load("1e-5"))
    assert parse(raw).study("rings").ridge_factor == 1e-5


def test_an_architecture_of_ones_own_has_its_defaults_filled_in(shipped):
    shipped["architectures"]["mine"] = {"kind": "cnn", "readout": "gap"}
    config = parse(changed(shipped, f"{QUICK}.rotations.architectures", ["mlp-1", "mine"]))
    assert config.context.architecture("mine")["filter_size"] == 3
    assert config.context.architecture("cnn-gap-3")["convolutions"] == 1


def test_shifts_are_measured_against_the_prepared_images(shipped):
    raw = changed(shipped, f"{QUICK}.dataset", {"name": "digits", "upsampling": 2, "padding": 4})
    raw = changed(raw, f"{QUICK}.partial.images", 100)
    raw = changed(raw, f"{QUICK}.shifts.n", [2, 8, 24])
    for family in raw["presets"]["quick"]["invariance"]["families"]:
        family["n"] = 2
    assert planned(raw)
    assert parse(raw).context.dataset.side == 24


def test_a_preset_is_chosen_among_those_of_the_config(shipped):
    config = parse(shipped)
    assert config.choosing(None) is config
    assert config.choosing("paper").study("rotations").pairs == 512
    assert config.choosing("paper").preset == "paper"
    del shipped["presets"]["standard"]
    with pytest.raises(ConfigError, match=r"^'standard' has no entry .*: quick, paper$"):
        parse(shipped).choosing("standard")


def test_patches_are_measured_against_the_prepared_images(shipped):
    raw = changed(shipped, f"{QUICK}.dataset", {"name": "digits", "upsampling": 2, "padding": 3})
    raw = changed(raw, f"{QUICK}.partial.images", 100)
    raw = changed(raw, f"{QUICK}.shifts.n", [2, 11, 22])
    raw = changed(raw, f"{QUICK}.lie_models.networks", ["fully-connected"])
    raw = changed(raw, f"{QUICK}.lie_layers.networks", ["fully-connected"])
    raw = changed(raw, f"{QUICK}.partial.networks", ["mlp"])
    for family in raw["presets"]["quick"]["invariance"]["families"]:
        family["n"] = 2
    with pytest.raises(ConfigError, match=r"base\.invariance\.shifts: the 4 x 4 patches .*22 pix"):
        planned(raw)
    assert planned(changed(raw, f"{QUICK}.invariance.shifts", ["noise"]))


def test_names_in_the_config_lead_to_modules():
    for name in DATASETS:
        assert importlib.import_module(module_of("symlearn.datasets.sets", name)).load
    settings = wings.settings().values()
    groups = [
        get_args(s.model_fields["group"].annotation) for s in settings if "group" in s.model_fields
    ]
    assert {name for names in groups for name in names} == set(GROUPS)
    for name, family in GROUPS.items():
        assert action_of(name).group(4).is_cyclic == family.cyclic
        assert family.moves.split()[-1] in action_of(name).moves
    assert set(get_args(ShiftName)) == set(SHIFTS)
    assert signature(shuffle_patches).parameters["grid"].default == PATCHES


def test_sizes_in_the_config_are_those_of_the_digits():
    digits = load_images("digits")
    facts = DATASETS["digits"]
    assert digits.levels.shape == (facts.images, facts.side, facts.side)
    assert np.bincount(digits.labels).min() == facts.smallest_class


@pytest.mark.parametrize(("points", "epochs"), [(1250, 77), (400, 250), (30, 3000), (20, 5000)])
def test_networks_of_the_stability_study_train_for_as_many_steps(shipped, points, epochs):
    """Epochs hold whole batches alone: 39 of 32 in 1250 images, not 39.06."""
    raw = changed(shipped, f"{QUICK}.stability.tasks.0.points", [points, 100])
    raw = changed(raw, f"{QUICK}.stability.tasks.0.steps", 3000 if points > 20 else 9000)
    for cell in parse(raw).call(wings.studies()["stability"]):
        (recipe,) = (
            one.settings["recipe"]
            for one in cell.inputs
            if one.stage == "networks" and one.settings["problem"]["train"] == points
        )
        assert recipe["epochs"] == epochs


def test_the_json_schema_accepts_the_shipped_config(shipped):
    jsonschema.Draft202012Validator.check_schema(json_schema())
    jsonschema.validate(shipped, json_schema())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("colour", 1),
        (f"{QUICK}.rotations.colour", 1),
        (f"{QUICK}.rotations.pairs", 0),
        ("architectures.mine", {"kind": "cnn", "readout": "gap", "colour": 1}),
        ("preset", "../x"),
        (f"{QUICK}.rotatons", {}),
        ("base.rotations.pairs", "many"),
        ("presets.a b", {}),
    ],
)
def test_the_json_schema_refuses_a_fault(shipped, path, value):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(changed(shipped, path, value), json_schema())


def test_the_json_schema_in_the_repository_is_current():
    command = [sys.executable, "-m", "symlearn", "schema"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed == schema_text()
    assert json.loads(printed) == json_schema()
    stale = f"stale: run `symlearn schema > {SCHEMA.relative_to(ROOT)}`"
    assert SCHEMA.read_text() == printed, stale


def test_the_config_points_editors_at_its_schema(shipped_text):
    assert f"$schema={SCHEMA.relative_to(ROOT)}\n" in shipped_text


def test_compared_networks_share_trainings_of_one_recipe_and_no_job_with_another(shipped):
    """They have the same slug, of which a job may hold one."""
    for steps, shared in ((500, True), (400, False)):
        config = parse(changed(shipped, f"{QUICK}.stability_networks.steps", steps))
        both = (wings.studies()[name] for name in ("stability", "stability-networks"))
        first, second = (
            {read.name for cell in config.call(study) for read in cell.inputs
             if read.stage == "networks"}
            for study in both
        )  # fmt: skip
        assert second <= first if shared else not second & first
        assert plan.figures(config)


def test_displaced_networks_are_those_of_a_task(shipped):
    path = f"{QUICK}.stability_displacement"
    for key, value, reason in (
        ("dataset", "mnist", "'mnist' is not in stability.tasks, mnist-5k"),
        ("networks", ["vgg11"], "'vgg11' is not in the task's networks, fully-connected"),
        ("images", 1001, "1001 is more than the task's test, 1000"),
    ):
        with pytest.raises(ConfigError, match=rf"stability_displacement\.{key}: {reason}"):
            planned(changed(shipped, f"{path}.{key}", value))


def test_a_test_set_has_the_same_kind_of_images(shipped):
    task = {**shipped["presets"]["quick"]["stability"]["tasks"][0], "test_set": "cifar10-test"}
    with pytest.raises(ConfigError, match="'cifar10-test' has other images than 'mnist-5k'"):
        planned(changed(shipped, f"{QUICK}.stability.tasks", [task]))


def test_no_preset_takes_the_name_of_the_kept_figures(shipped):
    shipped["presets"]["published"] = {"extends": "quick"}
    with pytest.raises(ConfigError, match=r"presets\.published: figures/published holds"):
        parse(shipped)
