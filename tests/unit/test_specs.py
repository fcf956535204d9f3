import json
import os
from dataclasses import replace
from importlib.util import find_spec

import pytest

from symlearn.errors import StoreError
from symlearn.menu.values import ImageSet
from symlearn.pipeline.frame import dataset_cell, study_cell, trained_cell
from symlearn.pipeline.specs import (
    Cell,
    canonical,
    file_and_part,
    input_files,
    modules_of,
    parts_of,
    read_spec,
    spec_path,
    weight_files,
    write_spec,
)

DATA = Cell("datasets", "digits", {"name": "digits"})
CELL = Cell("kernels", "pairs-n4", {"n": 4, "task": {"start": 0, "stop": 8}}, (DATA,))


def test_the_text_of_a_spec_does_not_depend_on_the_order_of_its_keys():
    assert canonical({"a": 1, "b": {"c": 2, "d": 3}}) == canonical({"b": {"d": 3, "c": 2}, "a": 1})
    assert json.loads(canonical({"a": [1, 2.5, None]})) == {"a": [1, 2.5, None]}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_json_lacks_are_refused(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"a": value})


@pytest.mark.parametrize("value", [{1, 2}, object()])
def test_values_that_are_no_plain_data_are_refused(value):
    with pytest.raises(TypeError):
        canonical({"a": value})


def test_a_spec_holds_stage_inputs_and_settings():
    assert CELL.spec == {
        "stage": "kernels",
        "inputs": [f"datasets/{DATA.name}"],
        "n": 4,
        "task": {"start": 0, "stop": 8},
    }


OTHER_DATA = Cell("datasets", "digits", {"name": "x"})


def with_task(start, stop):
    settings = {**CELL.settings, "task": {"start": start, "stop": stop}}
    return Cell("kernels", CELL.slug, settings, (DATA,))


OTHERS = {
    "stage": Cell("studies", CELL.slug, CELL.settings, CELL.inputs),
    "value": Cell("kernels", CELL.slug, {**CELL.settings, "n": 5}, CELL.inputs),
    "type": Cell("kernels", CELL.slug, {**CELL.settings, "n": 4.5}, CELL.inputs),
    "nested value": with_task(1, 8),
    "swapped values": with_task(8, 0),
    "new key": Cell("kernels", CELL.slug, {**CELL.settings, "seed": 0}, CELL.inputs),
    "no inputs": Cell("kernels", CELL.slug, CELL.settings),
    "input": Cell("kernels", CELL.slug, CELL.settings, (OTHER_DATA,)),
    "input in place": Cell("kernels", CELL.slug, CELL.settings, (Cell("orbits", "o", {}),)),
    "setting in place": Cell("kernels", CELL.slug, CELL.settings, (Cell("orbits", "o", {"n": 2}),)),
    "inputs twice": Cell("kernels", CELL.slug, CELL.settings, (DATA, DATA)),
}


@pytest.mark.parametrize("change", OTHERS)
def test_the_name_changes_with_all_that_changes_the_numbers(change):
    names = {CELL.name, *(cell.name for cell in OTHERS.values())}
    assert OTHERS[change].name != CELL.name
    assert len(names) == len(OTHERS) + 1


def test_the_name_does_not_change_with_labels_company_or_the_order_of_keys():
    settings = {"task": {"stop": 8, "start": 0}, "n": 4}
    other = Cell("kernels", "pairs-n4", settings, (DATA,), {"n": 4}, together="pairs")
    assert other.name == CELL.name
    assert CELL.name.startswith("pairs-n4-")


def test_a_change_deep_in_the_inputs_changes_the_name():
    def kernel(name):
        orbits = Cell("orbits", "o", {}, (Cell("datasets", "d", {"name": name}),))
        return Cell("kernels", "k", {}, (orbits,))

    assert kernel("digits").name != kernel("mnist").name


def test_a_spec_is_read_as_it_was_written(tmp_path):
    path = write_spec(tmp_path, CELL)
    assert path == spec_path(tmp_path, CELL)
    assert path.parent == tmp_path / "specs" / "kernels"
    assert read_spec(path) == CELL.spec
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_spec_is_written_once(tmp_path):
    path = write_spec(tmp_path, CELL)
    os.utime(path, ns=(1, 1))
    write_spec(tmp_path, CELL)
    assert path.stat().st_mtime_ns == 1


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe"])
def test_a_damaged_spec_is_written_anew(tmp_path, damage):
    path = write_spec(tmp_path, CELL)
    path.write_bytes(damage)
    write_spec(tmp_path, CELL)
    assert read_spec(path) == CELL.spec


def edited(text):
    return text.replace('"n": 4', '"n": 5')


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-5],
        lambda text: text[:-1],
        lambda text: "",
        lambda text: "[]\n",
        edited,
        lambda text: json.dumps(json.loads(text)),
    ],
    ids=["truncated", "without-last-byte", "empty", "list", "edited", "reformatted"],
)
def test_a_changed_spec_is_refused_by_name(tmp_path, damage):
    path = write_spec(tmp_path, CELL)
    path.write_text(damage(path.read_text()))
    with pytest.raises(StoreError) as raised:
        read_spec(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert "snakemake -n" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_spec_that_is_missing_or_no_text_is_refused_by_name(tmp_path):
    with pytest.raises(StoreError, match=r"nowhere\.json: cannot be read as a spec"):
        read_spec(tmp_path / "nowhere.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    with pytest.raises(StoreError, match=r"binary\.json: cannot be read as a spec"):
        read_spec(tmp_path / "binary.json")


def test_inputs_lie_below_the_results_by_stage_and_name(tmp_path):
    assert input_files(tmp_path, CELL.spec) == [tmp_path / "datasets" / f"{DATA.name}.nc"]
    assert input_files(tmp_path, DATA.spec) == []


def test_weights_lie_beside_the_networks_that_a_study_reads(tmp_path):
    networks = Cell("networks", "trained", {}, (DATA,))
    spec = Cell("studies", "measured", {}, (networks, DATA)).spec
    weights = tmp_path / "networks" / f"{networks.name}.safetensors"
    assert weight_files(tmp_path, spec) == [weights]
    assert weight_files(tmp_path, Cell("studies", "measured", {}, (DATA,)).spec) == []
    assert weight_files(tmp_path, networks.spec) == []


ORBITS = Cell("orbits", "turned", {"n": 2, "group": "cyclic-rotation"}, (DATA,))
PARTS = tuple(
    Cell("networks", slug, {"epochs": count}, (ORBITS, DATA))
    for slug, count in (("a", 1), ("b", 2))
)
JOB = Cell("networks", "both", {}, parts=PARTS)
A, B = (replace(part, within=JOB) for part in PARTS)


def test_what_is_made_in_place_is_named_by_its_spec_and_read_through_to_what_has_a_file(tmp_path):
    assert ORBITS.reference == ORBITS.spec
    assert PARTS[0].spec["inputs"] == [ORBITS.spec, f"datasets/{DATA.name}"]
    assert PARTS[0].reads == [DATA]
    data = tmp_path / "datasets" / f"{DATA.name}.nc"
    assert input_files(tmp_path, PARTS[0].spec) == [data]


def test_a_job_holds_the_specs_of_its_parts_and_reads_what_these_read(tmp_path):
    assert JOB.spec["parts"] == {"a": PARTS[0].spec, "b": PARTS[1].spec}
    assert JOB.makes == PARTS
    assert JOB.reads == [DATA]
    assert input_files(tmp_path, JOB.spec) == input_files(tmp_path, PARTS[0].spec)
    assert parts_of(read_spec(write_spec(tmp_path, JOB))) == JOB.spec["parts"]
    assert parts_of(DATA.spec) == {"": DATA.spec}
    assert DATA.makes == (DATA,)


def test_a_part_is_named_by_its_job_and_read_from_the_file_of_that(tmp_path):
    assert A.reference == f"networks/{JOB.name}#a"
    assert A.name == PARTS[0].name  # which job it is in does not change what it is
    study = Cell("studies", "measured", {}, (A, B, DATA))
    assert study.reads == [JOB, DATA]
    file = tmp_path / "networks" / f"{JOB.name}.nc"
    assert file_and_part(tmp_path, A.reference) == (file, "a")
    assert input_files(tmp_path, study.spec) == [file, tmp_path / "datasets" / f"{DATA.name}.nc"]
    assert weight_files(tmp_path, study.spec) == [file.with_suffix(".safetensors")] * 2


def test_another_job_around_what_it_reads_renames_a_cell():
    other = Cell("networks", "both", {}, parts=(*PARTS, Cell("networks", "c", {})))
    here, there = (Cell("studies", "s", {}, (replace(PARTS[0], within=j),)) for j in (JOB, other))
    assert here.name != there.name


PERCEPTRON = {"kind": "perceptron", "widths": [3]}
NTK = {"kind": "ntk", "architecture": {"kind": "mlp", "hidden_layers": 1}, "width": 8}
AVERAGED = {
    "kind": "orbit-averaged", "network": {"kind": "convnet", "channels": [2, 3], "hidden": 4},
    "group": "cyclic-shift", "n": 2,
}  # fmt: skip
CLASSIFICATION = {"kind": "classification", "train": 2, "test": 1, "seeds": [0]}
TURNED = {"augmentation": {"kind": "group", "group": "dihedral", "n": 4}}
NAMED = {
    "data set": (
        {"stage": "datasets", "name": "fashion-mnist"},
        {"datasets.sets.fashion_mnist"},
    ),
    "group": (
        {"stage": "orbits", "group": "product-shift", "n": 2},
        {"groups.actions.product_shift"},
    ),
    "architecture and group": (
        {"stage": "kernels", "architecture": {"kind": "cnn"}, "group": "cyclic-rotation"},
        {"menu.architectures.cnn", "groups.actions.cyclic_rotation"},
    ),
    "network and problem": (
        {"stage": "networks", "network": PERCEPTRON, "problem": CLASSIFICATION, "recipe": {}},
        {"networks.perceptron", "networks.train_and_test"},
    ),
    "problem of a paper": (
        {"stage": "networks", "network": PERCEPTRON, "problem": {"kind": "partial-rotations"}},
        {"networks.perceptron", "papers.orbits.partial_rotations"},
    ),
    "architecture of a network": (
        {"stage": "networks", "network": NTK, "problem": {"kind": "pairs"}},
        {"networks.ntk", "menu.architectures.mlp", "networks.on_orbits"},
    ),
    "network in a network, and its group": (
        {"stage": "networks", "network": AVERAGED, "problem": CLASSIFICATION},
        {
            "networks.tied", "networks.convnet", "groups.actions.cyclic_shift",
            "networks.train_and_test",
        },
    ),
    "group of an augmentation": (
        {"stage": "networks", "network": PERCEPTRON, "problem": CLASSIFICATION, "recipe": TURNED},
        {"networks.perceptron", "networks.train_and_test", "groups.actions.dihedral"},
    ),
    "computation": (
        {"stage": "studies", "study": "lie-aliasing", "module": "lie.aliasing"},
        {"papers.lie.aliasing"},
    ),
    "computation and what it uses": (
        {
            "stage": "studies", "study": "rotations", "module": "orbits.pairs",
            "group": "dihedral", "uses": {"networks": ["vgg"], "architectures": ["rbf"]},
        },
        {
            "papers.orbits.pairs", "groups.actions.dihedral", "networks.convolutional",
            "menu.architectures.rbf",
        },
    ),
    "what is made in place": (
        {
            "stage": "kernels", "architecture": {"kind": "mlp"}, "group": "dihedral",
            "inputs": [{"stage": "orbits", "group": "product-shift", "inputs": ["datasets/d"]}],
        },
        {
            "menu.architectures.mlp", "groups.actions.dihedral", "groups.actions.product_shift",
            "stages.orbits",
        },
    ),
    "figure": (
        {"stage": "figures", "figure": "lie-layers", "module": "lie.figures.lie_layers"},
        {"papers.lie.figures.lie_layers"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", NAMED)
def test_the_code_of_a_result_is_its_stage_and_the_modules_that_its_spec_names(what):
    spec, expected = NAMED[what]
    found = modules_of({"inputs": [], "labels": {"network": "mlp", "n": 4}, **spec})
    assert found[0] == f"symlearn.stages.{spec['stage']}"
    assert {name.removeprefix("symlearn.") for name in found[1:]} == expected
    assert len(found) == len(expected) + 1
    for name in found:
        assert find_spec(name) is not None


def test_the_code_of_a_result_is_named_in_one_order():
    spec = {"stage": "kernels", "architecture": {"kind": "cnn"}, "group": "dihedral"}
    assert modules_of(spec) == modules_of(dict(reversed(spec.items())))


def test_a_study_of_trained_networks_uses_what_they_were_built_of():
    data = dataset_cell(ImageSet("digits"))
    settings = {"network": AVERAGED, "problem": CLASSIFICATION}
    trained = [
        trained_cell("study", "one", data, settings, {}, "averaged"),
        trained_cell("study", "two", data, {**settings, "network": NTK}, {}, "wide"),
    ]
    cell = study_cell("study", "lie.models", [*trained, data], {})
    assert cell.spec["uses"] == {
        "architectures": ["mlp"],
        "groups": ["cyclic-shift"],
        "networks": ["convnet", "ntk", "orbit-averaged"],
    }
    assert {
        "symlearn.networks.convnet", "symlearn.networks.ntk", "symlearn.networks.tied",
        "symlearn.groups.actions.cyclic_shift", "symlearn.menu.architectures.mlp",
    } <= set(modules_of(cell.spec))  # fmt: skip
    assert "uses" not in study_cell("study", "lie.models", [data], {}).spec
