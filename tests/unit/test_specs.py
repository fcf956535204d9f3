import json
import os

import pytest

from symlearn.errors import StoreError
from symlearn.pipeline.specs import Cell, canonical, input_files, read_spec, spec_path, write_spec

DATA = Cell("datasets", "digits", {"name": "digits"})
CELL = Cell("orbits", "pairs-n4", {"n": 4, "task": {"start": 0, "stop": 8}}, (DATA,))


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
        "stage": "orbits",
        "inputs": [f"datasets/{DATA.name}"],
        "n": 4,
        "task": {"start": 0, "stop": 8},
    }


OTHERS = {
    "stage": Cell("kernels", CELL.slug, CELL.settings, CELL.inputs),
    "value": Cell("orbits", CELL.slug, {**CELL.settings, "n": 5}, CELL.inputs),
    "type": Cell("orbits", CELL.slug, {**CELL.settings, "n": 4.5}, CELL.inputs),
    "nested value": Cell("orbits", CELL.slug, {"n": 4, "task": {"start": 1, "stop": 8}}, (DATA,)),
    "swapped values": Cell("orbits", CELL.slug, {"n": 4, "task": {"start": 8, "stop": 0}}, (DATA,)),
    "new key": Cell("orbits", CELL.slug, {**CELL.settings, "seed": 0}, CELL.inputs),
    "no inputs": Cell("orbits", CELL.slug, CELL.settings),
    "input": Cell("orbits", CELL.slug, CELL.settings, (Cell("datasets", "digits", {"name": "x"}),)),
    "inputs twice": Cell("orbits", CELL.slug, CELL.settings, (DATA, DATA)),
}


@pytest.mark.parametrize("change", OTHERS)
def test_the_name_changes_with_all_that_changes_the_numbers(change):
    names = {CELL.name, *(cell.name for cell in OTHERS.values())}
    assert OTHERS[change].name != CELL.name
    assert len(names) == len(OTHERS) + 1


def test_the_name_does_not_change_with_labels_or_the_order_of_keys():
    other = Cell("orbits", "pairs-n4", {"task": {"stop": 8, "start": 0}, "n": 4}, (DATA,), {"n": 4})
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
    assert path.parent == tmp_path / "specs" / "orbits"
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
