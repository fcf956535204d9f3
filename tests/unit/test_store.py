import gc
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from symlearn.errors import StoreError
from symlearn.pipeline import store
from symlearn.pipeline.vocabulary import DIMENSIONS, VARIABLES

SPEC = {"stage": "orbits", "n": 4, "inputs": []}


@pytest.fixture
def dataset():
    rng = np.random.default_rng(0)
    return xr.Dataset(
        {
            "pixels": (("task", "row", "col"), rng.random((2, 5, 5))),
            "gram": (("point", "other"), rng.random((3, 3)).astype(np.float32)),
            "levels": (("image", "row", "col"), np.arange(50, dtype=np.uint8).reshape(2, 5, 5)),
            "exact_correct": (("task",), np.array([True, False])),
            "exact": (("task",), np.array([np.nan, np.inf])),
            "label": (("image",), np.array([1, 2])),
        },
        coords={"n": 4, "ridge_factor": ("ridge_factor", [1e-8, 1e-6])},
        attrs={"group": "dihedral", "maximum": 16},
    )


@pytest.fixture
def stored(tmp_path, dataset):
    path = tmp_path / "orbits" / "x.nc"
    store.write(dataset, path, SPEC)
    return path


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_dataset_comes_back_with_its_values_types_and_attributes(stored, dataset):
    found = store.read(stored, "orbits")
    xr.testing.assert_equal(found, dataset)
    assert {name: v.dtype for name, v in found.variables.items()} == {
        name: v.dtype for name, v in dataset.variables.items()
    }
    assert found.attrs.items() >= dataset.attrs.items()
    assert found.attrs["Conventions"].startswith("CF-")
    assert store.spec_of(found) == SPEC
    assert files_in(stored.parent) == ["x.nc"]


def test_every_variable_has_its_units_and_meaning(stored):
    for name, variable in store.read(stored).variables.items():
        assert (variable.attrs["units"], variable.attrs["long_name"]) == VARIABLES[name]


def test_writing_leaves_the_given_dataset_as_it_was(tmp_path, dataset):
    before = dataset.copy(deep=True)
    store.write(dataset, tmp_path / "x.nc", SPEC)
    xr.testing.assert_identical(dataset, before)


def test_numbers_are_compressed(tmp_path):
    zeros = xr.Dataset({"gram": (("point", "other"), np.zeros((300, 300)))})
    store.write(zeros, tmp_path / "x.nc", SPEC)
    assert (tmp_path / "x.nc").stat().st_size < zeros.nbytes / 10


def test_equal_datasets_are_equal_bytes_at_any_time(stored, dataset, tmp_path):
    time.sleep(1.1)
    store.write(dataset.copy(deep=True), tmp_path / "again.nc", dict(reversed(SPEC.items())))
    assert (tmp_path / "again.nc").read_bytes() == stored.read_bytes()


def test_writing_again_replaces_the_file(stored, dataset):
    store.write(dataset + 1, stored, SPEC)
    xr.testing.assert_equal(store.read(stored)["gram"], dataset["gram"] + 1)


@pytest.mark.parametrize(
    ("stranger", "name"),
    [
        (xr.Dataset({"wobble": (("task",), np.zeros(2))}), "wobble"),
        (xr.Dataset({"gram": (("axis", "other"), np.zeros((2, 2)))}), "axis"),
        (xr.Dataset(coords={"wobble": 3}), "wobble"),
    ],
    ids=["variable", "dimension", "coordinate"],
)
def test_a_name_that_is_not_in_the_vocabulary_is_refused(tmp_path, stranger, name):
    with pytest.raises(ValueError, match=f"not in symlearn.pipeline.vocabulary: {name}$"):
        store.write(stranger, tmp_path / "x.nc", SPEC)
    assert files_in(tmp_path) == []


def assert_refused(path, reason):
    with pytest.raises(StoreError, match=reason) as raised:
        store.read(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)
    gc.collect()  # where the reader left an open handle, this makes it complain


@pytest.mark.parametrize("share", [0.0, 0.001, 0.05, 0.3, 0.6, 0.9, 0.9999])
def test_a_truncated_file_is_named(stored, share):
    content = stored.read_bytes()
    stored.write_bytes(content[: int(share * len(content))])
    assert_refused(stored, "is damaged or no NetCDF file")


def test_garbage_is_named(tmp_path):
    path = tmp_path / "x.nc"
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    assert_refused(path, "is damaged or no NetCDF file")


def test_damaged_values_are_named(stored):
    content = bytearray(stored.read_bytes())
    with h5py.File(stored) as opened:
        chunk = opened["pixels"].id.get_chunk_info(0)
    content[chunk.byte_offset : chunk.byte_offset + 20] = b"\0" * 20
    stored.write_bytes(content)
    assert_refused(stored, "is damaged or no NetCDF file")


def test_a_missing_file_is_named(tmp_path):
    assert_refused(tmp_path / "nowhere.nc", "is missing")


def test_a_folder_in_place_of_a_file_is_named(tmp_path):
    assert_refused(tmp_path, "cannot be read: Is a directory")


@pytest.mark.parametrize("version", [None, 0, 2, "1"])
def test_another_schema_version_is_named(stored, version):
    with h5py.File(stored, "a") as opened:
        del opened.attrs["schema_version"]
        if version is not None:
            opened.attrs["schema_version"] = version
    assert_refused(stored, f"has schema version {version}, this program reads 1; delete it")


def test_a_file_of_another_stage_is_named(stored):
    with pytest.raises(StoreError, match=r"x\.nc: was not written by the stage kernels"):
        store.read(stored, "kernels")


def test_groups_of_one_file_are_read_one_by_one(tmp_path, dataset):
    path = tmp_path / "x.nc"
    store.write_groups({"first": dataset, "second": dataset + 1}, path, SPEC)
    xr.testing.assert_equal(store.read_group(path, "first"), dataset)
    xr.testing.assert_equal(store.read_group(path, "second"), dataset + 1)
    with pytest.raises(StoreError, match=r"x\.nc: "):
        store.read_group(path, "third")


def test_a_job_of_one_cell_writes_what_a_cell_always_wrote(tmp_path, stored, dataset):
    store.write_parts({"": dataset}, tmp_path / "job.nc", SPEC)
    assert (tmp_path / "job.nc").read_bytes() == stored.read_bytes()


def test_the_parts_of_a_job_are_groups_that_carry_their_own_specs(tmp_path, dataset):
    specs = {"first": SPEC, "second": {**SPEC, "n": 5}}
    job = {"stage": "orbits", "inputs": [], "parts": specs}
    path = tmp_path / "job.nc"
    store.write_parts({"first": dataset, "second": dataset + 1}, path, job)
    whole = store.read(path, "orbits")
    assert store.spec_of(whole) == job
    assert not whole.variables
    for number, (name, group) in enumerate(store.read_groups(path).items()):
        xr.testing.assert_equal(group, dataset + number)
        assert store.spec_of(group) == specs[name]
    with xr.open_datatree(path) as tree:
        assert list(tree.children) == list(specs)
    with xr.open_dataset(path, group="second") as opened:
        xr.testing.assert_equal(opened.load(), dataset + 1)


def test_a_name_of_one_part_that_is_not_in_the_vocabulary_leaves_no_file(tmp_path, dataset):
    job = {"stage": "orbits", "parts": {"first": SPEC, "second": SPEC}}
    parts = {"first": dataset, "second": dataset.rename(pixels="wobble")}
    with pytest.raises(ValueError, match=r"not in symlearn\.pipeline\.vocabulary: wobble$"):
        store.write_parts(parts, tmp_path / "job.nc", job)
    assert files_in(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_named_and_leaves_nothing(tmp_path, dataset):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StoreError, match=r"taken/x\.nc: cannot be written"):
        store.write(dataset, tmp_path / "taken" / "x.nc", SPEC)
    assert (tmp_path / "taken").read_text() == "a file"
    assert files_in(tmp_path) == ["taken"]


def test_a_target_that_is_a_folder_is_named_and_leaves_nothing(tmp_path, dataset):
    (tmp_path / "x.nc").mkdir()
    with pytest.raises(StoreError, match=r"x\.nc: cannot be written"):
        store.write(dataset, tmp_path / "x.nc", SPEC)
    assert files_in(tmp_path) == ["x.nc"]


@pytest.mark.parametrize(
    ("error", "seen"),
    [(OSError(28, "No space left on device"), StoreError), (ValueError("odd"), ValueError)],
)
def test_a_write_that_fails_half_way_keeps_the_old_file(stored, dataset, monkeypatch, error, seen):
    before = stored.read_bytes()

    def fail(path, content):
        with path.open("wb") as stream:
            stream.write(content[: len(content) // 2])
        raise error

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(seen):
        store.write(dataset, stored, SPEC)
    assert stored.read_bytes() == before
    assert files_in(stored.parent) == ["x.nc"]


def test_the_vocabulary_says_what_each_name_means():
    assert all(DIMENSIONS.values())
    for units, long_name in VARIABLES.values():
        assert units
        assert long_name


def test_all_units_are_those_that_cf_allows():
    """CF's units are UDUNITS's, which has a second and a percent but no pixel, level or image.

    cf-units, which reads UDUNITS's tables, was asked once for these; a unit that comes to the
    vocabulary is to be looked up there (udunits2-base, -common) before it is added here.
    """
    assert {units for units, _ in VARIABLES.values()} == {"1", "%", "s"}
