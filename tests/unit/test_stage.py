import json
import logging
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from symlearn.errors import StoreError
from symlearn.pipeline import provenance, store
from symlearn.pipeline.hashes import code_sha256
from symlearn.pipeline.specs import Cell, write_spec
from symlearn.pipeline.stage import Inputs
from symlearn.stages import kernels, orbits, studies
from symlearn.stages.datasets import main as datasets_main

DATA = Cell("datasets", "digits", {"name": "digits"})
TASK = {"draw": "pairs", "seed": 1, "start": 0, "stop": 2, "classes": 2, "seeds_per_class": 1}
SETTINGS = {
    "group": "cyclic-rotation",
    "n": 8,
    "preparation": {"upsampling": 1, "padding": 2},
    "task": TASK,
}
ORBITS = Cell("orbits", "pairs-n8", SETTINGS, (DATA,))


def kernel(layers):
    settings = {
        "architecture": {"kind": "mlp", "hidden_layers": layers},
        "group": "cyclic-rotation", "kind": "ntk", "precision": "float64",
    }  # fmt: skip
    return Cell("kernels", f"mlp-{layers}", settings, (ORBITS,))


KERNEL = kernel(1)
JOB = Cell("kernels", "mlps", {}, parts=(KERNEL, kernel(2)))


@pytest.fixture(autouse=True)
def untouched_warnings(monkeypatch):
    """A stage sends warnings to its log; here they go back to where they were."""
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    yield
    logging.captureWarnings(False)


def output(results, cell):
    return results / cell.stage / f"{cell.name}.nc"


def arguments(results, cell):
    return ["--spec", str(write_spec(results, cell)), "--out", str(output(results, cell))]


def by_hand(stage, options, folder):
    command = [sys.executable, "-m", "symlearn", stage, *options]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)


@pytest.fixture
def digits(tmp_path):
    assert datasets_main(arguments(tmp_path, DATA)) == 0
    return tmp_path


def test_the_datasets_stage_writes_the_digits_and_a_sidecar(digits):
    written = output(digits, DATA)
    dataset = store.read(written, "datasets")
    assert dataset["levels"].shape == (1797, 8, 8)
    assert dataset.attrs["maximum"] == 16
    assert store.spec_of(dataset) == DATA.spec
    assert_sidecar(written, DATA, inputs=[])


def assert_sidecar(written, cell, inputs):
    record = json.loads(provenance.sidecar(written).read_text())
    assert record["sha256"] == provenance.sha256(written)
    assert record["spec"] == cell.spec
    assert record["inputs"] == {
        f"{path.parent.name}/{path.name}": provenance.sha256(path) for path in inputs
    }
    assert record["code"]["errors.py"] == code_sha256(provenance.ROOT / "errors.py")
    assert not [name for name in record["code"] if name.startswith("networks")]
    assert record["seconds"] >= 0
    assert record["peak_memory_mib"] > 0
    assert record["versions"].keys() >= {"python", "numpy", "xarray"}
    assert record["commit"]
    assert sorted(path.name for path in written.parent.iterdir()) == [
        written.name,
        f"{written.name}.json",
    ]


def test_orbits_are_made_from_a_data_set(digits):
    found = orbits.compute(ORBITS.spec, [store.read(output(digits, DATA))])
    assert found["pixels"].shape == (2, 2, 8, 12, 12)
    assert (np.diff(found["class_"]) != 0).all()


def test_the_kernels_stage_writes_gram_matrices_and_a_sidecar(digits, capsys):
    assert kernels.main(arguments(digits, KERNEL)) == 0
    written = output(digits, KERNEL)
    found = store.read(written, "kernels")
    assert found["gram"].shape == (2, 16, 16)
    made = orbits.compute(ORBITS.spec, [store.read(output(digits, DATA))])
    expected = kernels.compute(KERNEL.spec, [made])
    assert found["gram"].values.tobytes() == expected["gram"].values.tobytes()
    assert_sidecar(written, KERNEL, inputs=[output(digits, DATA)])
    assert "error" not in capsys.readouterr().err


def test_two_parts_of_a_job_are_what_two_jobs_make(digits, caplog):
    """In one file, with the spec of each in its group, and of all in the sidecar."""
    assert kernels.main(arguments(digits, JOB)) == 0
    assert f"{JOB.name}.nc part 2 of 2, mlp-2, from 1 files" in caplog.messages
    written = output(digits, JOB)
    found = store.read_groups(written)
    assert list(found) == ["mlp-1", "mlp-2"]
    for part in JOB.parts:
        assert kernels.main(arguments(digits, part)) == 0
        alone = store.read(output(digits, part))
        here = found[part.slug]
        assert store.spec_of(here) == store.spec_of(alone) == part.spec
        assert here.variables.keys() == alone.variables.keys()
        for name, variable in alone.variables.items():
            assert here[name].dtype == variable.dtype
            assert here[name].values.tobytes() == variable.values.tobytes()
            assert here[name].attrs == variable.attrs
        kept = {key: alone.attrs[key] for key in here.attrs}
        assert here.attrs == kept
    assert store.spec_of(store.read(written, "kernels")) == JOB.spec
    output(digits, JOB.parts[0]).unlink()
    record = json.loads(provenance.sidecar(written).read_text())
    assert record["spec"] == JOB.spec
    assert record["inputs"].keys() == {f"datasets/{DATA.name}.nc"}
    assert record["precision"] == "float64"


def references():
    return [replace(part, within=JOB).reference for part in JOB.parts]


def test_inputs_are_parts_of_files_and_what_is_made_in_place(digits):
    assert kernels.main(arguments(digits, JOB)) == 0
    read = Inputs(digits)
    for part, reference in zip(JOB.parts, references(), strict=True):
        assert store.spec_of(read(reference)) == part.spec
    made = orbits.compute(ORBITS.spec, [store.read(output(digits, DATA))])
    xr.testing.assert_identical(read(ORBITS.reference), made)
    with pytest.raises(StoreError, match=r"mlps-.*\.nc: is damaged or no NetCDF file"):
        read(references()[0].replace("#mlp-1", "#mlp-3"))


def test_a_damaged_file_is_refused_and_set_aside_once_whichever_part_is_asked_for(digits):
    assert kernels.main(arguments(digits, JOB)) == 0
    written = output(digits, JOB)
    content = bytearray(written.read_bytes())
    content[len(content) // 2] ^= 1
    written.write_bytes(content)
    read = Inputs(digits)
    first, second = references()
    with pytest.raises(StoreError, match=rf"{written.name}: is damaged, and now lies in"):
        read(second)
    with pytest.raises(StoreError, match=rf"{written.name}: is missing"):
        read(first)
    aside = [path.name for path in written.parent.iterdir() if path.suffix == ".damaged"]
    assert aside == [f"{written.name}.damaged"]


def test_a_file_is_checked_once_however_many_parts_of_it_are_read(digits, monkeypatch):
    assert kernels.main(arguments(digits, JOB)) == 0
    checked = []
    monkeypatch.setattr(provenance, "refuse_damaged", checked.append)
    read = Inputs(digits)
    for reference in [*references(), *references(), ORBITS.reference]:
        read(reference)
    assert checked == [output(digits, JOB), output(digits, DATA)]


def test_a_run_in_a_process_of_its_own_gives_equal_bytes(digits, tmp_path):
    assert kernels.main(arguments(digits, KERNEL)) == 0
    results = tmp_path / "by-hand"
    for cell in (DATA, KERNEL):
        run = by_hand(cell.stage, arguments(results, cell), tmp_path)
        assert run.returncode == 0, run.stderr
        lines = run.stderr.splitlines()
        assert all(line.startswith(f"{cell.stage}: ") for line in lines)
        assert lines[-1].startswith(f"{cell.stage}: done in ")
        assert output(results, cell).read_bytes() == output(digits, cell).read_bytes()


def spec_of_another_stage(results):
    return arguments(results, DATA), f"{DATA.name}.json: is a spec of the stage datasets"


def missing_input(results):
    return arguments(results, KERNEL), f"{DATA.name}.nc: is missing"


def damaged_input(results):
    output(results, DATA).parent.mkdir(parents=True)
    output(results, DATA).write_bytes(b"garbage")
    return arguments(results, KERNEL), f"{DATA.name}.nc: is damaged"


def edited_spec(results):
    options = arguments(results, KERNEL)
    spec = Path(options[1])
    spec.write_text(spec.read_text().replace('"n": 8', '"n": 4'))
    return options, f"{spec.name}: was changed after it was written"


def missing_spec(results):
    options = arguments(results, KERNEL)
    Path(options[1]).unlink()
    return options, f"{Path(options[1]).name}: cannot be read as a spec"


FAULTS = [spec_of_another_stage, missing_input, damaged_input, edited_spec, missing_spec]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_one_line_and_exit_status_one(tmp_path, capsys, fault):
    options, message = fault(tmp_path)
    assert kernels.main(options) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("symlearn kernels: error: ")
    assert message in line
    assert not Path(options[3]).exists()


@pytest.mark.parametrize("fault", [missing_input, damaged_input])
def test_a_fault_is_one_line_also_in_a_process_of_its_own(tmp_path, fault):
    options, message = fault(tmp_path)
    run = by_hand("kernels", options, tmp_path)
    assert run.returncode == 1
    (line,) = run.stderr.splitlines()
    assert message in line


def test_a_wrong_local_data_file_is_one_line(tmp_path, capsys):
    name = "train-images-idx3-ubyte.gz"
    (tmp_path / name).write_bytes(b"garbage")
    options = arguments(tmp_path, Cell("datasets", "mnist", {"name": "mnist"}))
    assert datasets_main([*options, "--data-root", str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert name in line
    assert not Path(options[3]).exists()


def test_an_output_that_cannot_be_written_is_one_line(digits, capsys):
    options = arguments(digits, KERNEL)
    output(digits, KERNEL).mkdir(parents=True)
    assert kernels.main(options) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{KERNEL.name}.nc: cannot be written" in line


@pytest.mark.parametrize("main", [kernels.main, datasets_main])
def test_help_is_the_manual(main, capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    manual = capsys.readouterr().out
    assert "--spec" in manual
    assert "--out" in manual


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"module": "stability.relative_stability"}, {"precision": "float32"}),
        ({"module": "stability.stripe_training", "alpha": 1e-4}, {"precision": "float32"}),
        ({"module": "stability.stripe_training", "alpha": 1e4}, {"precision": "float64"}),
        ({"module": "orbits.pairs"}, {}),
    ],
)
def test_a_study_tells_its_precision_where_it_is_not_double(spec, expected):
    assert studies._machine(spec) == expected
