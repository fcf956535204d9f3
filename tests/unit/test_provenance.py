import json

import pytest

from symlearn.pipeline import provenance, specs
from symlearn.pipeline.chain import chain, state_of
from symlearn.pipeline.specs import Cell
from symlearn.stages.datasets import main as datasets
from symlearn.stages.kernels import main as kernels
from symlearn.tools.provenance import main

DIGITS = Cell("datasets", "digits", {"name": "digits"})
TASK = {
    "seed": 0, "draw": "pairs", "classes": 2, "seeds_per_class": 1, "start": 0, "stop": 1,
}  # fmt: skip
ORBITS = Cell(
    "orbits",
    "pairs",
    {
        "group": "cyclic-rotation",
        "n": 2,
        "preparation": {"padding": 0, "upsampling": 1},
        "task": TASK,
    },
    (DIGITS,),
)


def kernel(layers):
    settings = {
        "architecture": {"kind": "mlp", "hidden_layers": layers},
        "group": "cyclic-rotation", "kind": "ntk", "precision": "float64",
    }  # fmt: skip
    return Cell("kernels", f"mlp-{layers}", settings, (ORBITS,))


KERNELS = Cell("kernels", "mlps", {}, parts=(kernel(1), kernel(2)))


@pytest.fixture
def made(tmp_path):
    """Two Gram matrices and the data set that they came from, as the stages write them."""
    results = tmp_path / "results" / "quick"
    for cell, stage in ((DIGITS, datasets), (KERNELS, kernels)):
        spec = specs.write_spec(results, cell)
        assert stage(["--spec", str(spec), "--out", str(out_of(results, cell))]) == 0
    return results


def out_of(results, cell):
    return results / cell.stage / f"{cell.name}.nc"


def states(path):
    return [state_of(link)[0] for link in chain(path)]


def test_the_chain_leads_to_the_data_set(made, capsys):
    assert main([str(out_of(made, KERNELS)), "--verify"]) == 0
    printed = capsys.readouterr().out
    assert KERNELS.name in printed
    assert DIGITS.name in printed
    assert printed.count("intact") == 2


def test_the_settings_of_all_parts_and_of_what_was_made_in_place_are_printed(made, capsys):
    assert main([str(out_of(made, KERNELS))]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    told = [line.split(maxsplit=1) for line in lines if line.startswith(("spec", "reads"))]
    assert [kind for kind, _ in told] == ["spec", "reads", "spec", "reads", "spec"]
    for part, (_, own), (_, read) in zip(KERNELS.parts, told[:4:2], told[1:4:2], strict=True):
        name, settings = own.split(maxsplit=1)
        assert name == part.slug
        assert json.loads(settings) == {"stage": "kernels", **part.settings}
        assert json.loads(read) == {"stage": "orbits", **ORBITS.settings}
    assert json.loads(told[4][1]) == DIGITS.settings | {"stage": "datasets"}


def test_an_edited_file_is_named_and_makes_what_follows_stale(made, capsys):
    source = out_of(made, DIGITS)
    source.write_bytes(source.read_bytes() + b"x")
    assert states(out_of(made, KERNELS)) == ["stale", "edited"]
    assert main([str(out_of(made, KERNELS)), "--verify"]) == 1
    assert f"datasets/{DIGITS.name}.nc is gone or has changed" in capsys.readouterr().out


def test_a_file_without_sidecar_is_foreign(made):
    provenance.sidecar(out_of(made, DIGITS)).unlink()
    assert states(out_of(made, KERNELS)) == ["intact", "foreign"]


def test_a_changed_source_file_makes_a_result_stale(made):
    record_path = provenance.sidecar(out_of(made, KERNELS))
    record = json.loads(record_path.read_text())
    record["code"]["stages/orbits.py"] = "0" * 64
    record_path.write_text(json.dumps(record))
    (first, _) = chain(out_of(made, KERNELS))
    assert state_of(first) == ("stale", "its source src/symlearn/stages/orbits.py has changed")


def test_a_source_file_that_is_gone_makes_a_result_stale(made):
    record_path = provenance.sidecar(out_of(made, KERNELS))
    record = json.loads(record_path.read_text())
    record["code"]["nowhere.py"] = "0" * 64
    record_path.write_text(json.dumps(record))
    (first, _) = chain(out_of(made, KERNELS))
    assert state_of(first) == ("stale", "its source src/symlearn/nowhere.py has changed")


def test_a_missing_input_makes_a_result_stale(made):
    out_of(made, DIGITS).unlink()
    assert states(out_of(made, KERNELS))[0] == "stale"


def test_a_missing_file_is_one_line(tmp_path, capsys):
    assert main([str(tmp_path / "fig4.pdf")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("symlearn provenance: error: ")
