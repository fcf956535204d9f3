import ast
import copy
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
import yaml

from symlearn import plan, wings
from symlearn.config import parse
from symlearn.errors import ConfigError
from symlearn.menu import registry
from symlearn.networks import on_orbits
from symlearn.pipeline.closure import ROOT, closure
from symlearn.pipeline.specs import (
    STAGES,
    canonical,
    file_and_part,
    input_files,
    modules_of,
    parts_of,
    weight_files,
)
from symlearn.stages.figures import caption

PRESETS = list(yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())["presets"])
# Cells that nothing is drawn for.
_WITHOUT_DRAWS = ("datasets/", "studies/rings", "studies/lie-published")


def studies(config):
    return [cell for study in wings.studies().values() for cell in config.call(study)]


def cells_of(raw):
    """The cells of all studies and all that they read, by stage and name; none shares a job."""
    return {f"{cell.stage}/{cell.name}": cell for cell in plan.all_jobs(studies(parse(raw)))}


def everything(raw):
    """The jobs of a run."""
    return plan.all_jobs(plan.figures(parse(raw)).values())


def rotations_of(raw):
    """The settings of the pairs under rotations."""
    return parse(raw).study("rotations").model_dump()


def with_rotations(raw, **changes):
    changed = copy.deepcopy(raw)
    changed["presets"][raw["preset"]]["rotations"] |= changes
    return changed


@pytest.fixture(scope="module", params=PRESETS)
def cells(request, shipped_text):
    """Every job of a preset by its name, inputs first."""
    found = everything({**yaml.safe_load(shipped_text), "preset": request.param})
    named = {cell.name: cell for cell in found}
    assert len(named) == len(found)
    return named


def test_names_are_unique_and_fit_into_paths_and_command_lines(cells):
    assert all(re.fullmatch(r"[a-z0-9-]{1,200}", name) for name in cells)


def test_a_preset_is_fewer_than_two_thousand_jobs(cells):
    assert 50 < len(cells) < 2000


def test_inputs_come_before_what_reads_them(cells):
    position = {f"{cell.stage}/{name}": index for index, (name, cell) in enumerate(cells.items())}
    for name, cell in cells.items():
        own = position[f"{cell.stage}/{name}"]
        read = [*input_files(Path("results"), cell.spec), *weight_files(Path("results"), cell.spec)]
        assert all(position[f"{path.parent.name}/{path.stem}"] < own for path in read)
        assert {path.stem for path in read} == {other.name for other in cell.reads}


def test_the_parts_that_a_cell_reads_are_in_the_jobs_that_it_names(cells):
    for job in cells.values():
        for part in parts_of(job.spec).values():
            for reference in [*part["inputs"], *_named_in_place(part)]:
                if isinstance(reference, str):
                    path, inner = file_and_part(Path("results"), reference)
                    assert inner in parts_of(cells[path.stem].spec), reference


def _named_in_place(spec):
    read = [other for other in spec["inputs"] if not isinstance(other, str)]
    return [name for other in read for name in other["inputs"]]


def test_specs_are_plain_and_name_neither_paths_nor_machines(cells):
    for cell in cells.values():
        text = canonical(cell.spec)
        assert cell.stage in STAGES
        assert str(ROOT) not in text
        assert "data_root" not in text


def trainings(raw, study):
    cells = [cell for job in everything(raw) if job.stage == "networks" for cell in job.makes]
    return [cell for cell in cells if cell.settings["study"] == study]


@pytest.mark.parametrize("steps", [1, 79, 1500, 2000])
@pytest.mark.parametrize("study", ["trained_pairs", "widths"])
def test_full_batch_trainings_have_the_steps_that_are_asked_for(shipped, study, steps):
    shipped["presets"]["quick"][study]["steps"] = steps
    for cell in trainings(shipped, study.replace("_", "-")):
        epochs = cell.settings["recipe"]["epochs"]
        assert epochs * cell.settings["problem"]["steps"] == steps
        assert epochs <= 40


@pytest.mark.parametrize("preset", ["quick", "standard"])
def test_networks_of_ten_classes_have_the_least_steps(shipped, preset):
    """Counted by the problem itself, on orbits without content."""
    asked = shipped["presets"][preset]["trained_classes"]["least_steps"]
    for cell in trainings({**shipped, "preset": preset}, "trained-classes"):
        (orbits,) = cell.inputs
        seeds, n = orbits.settings["task"]["seeds_per_class"], orbits.settings["n"]
        content = xr.Dataset(
            {
                "pixels": (
                    ("task", "orbit", "pose", "row", "col"),
                    np.ones((1, 10 * seeds, n, 1, 1)),
                ),
                "class_": (("task", "orbit"), np.arange(10).repeat(seeds)[None]),
            }
        )
        problem = on_orbits.classes(content, cell.settings)
        assert cell.settings["recipe"]["epochs"] * problem.steps >= asked


def test_no_two_networks_of_a_study_share_a_stream(shipped):
    """Nor do they when they are shared out among other jobs."""

    def names(chunk):
        shipped["presets"]["standard"]["trained_pairs"]["chunk"] = chunk
        found = []
        for cell in trainings({**shipped, "preset": "standard"}, "trained-pairs"):
            task = cell.inputs[0].settings["task"]
            count = task["stop"] - task["start"]
            members = on_orbits.pairs_members(
                xr.Dataset({"pixels": ("task", np.zeros(count))}), cell.settings
            )
            found += zip(*(members[name].values.tolist() for name in members), strict=True)
        return found

    assert len(set(names(32))) == len(names(32)) == 128
    assert sorted(names(32)) == sorted(names(64))


def test_where_the_data_lie_changes_no_name(shipped, tmp_path):
    elsewhere = {**shipped, "data_root": str(tmp_path)}
    assert cells_of(shipped).keys() == cells_of(elsewhere).keys()


def test_the_code_of_every_cell_holds_its_stage_and_its_study(cells):
    made = [(job, cell) for job in cells.values() for cell in job.makes]
    for job, cell in made:
        files = {path.relative_to(ROOT).as_posix() for path in closure(*modules_of(job.spec))}
        assert f"stages/{cell.stage}.py" in files
        for read in cell.inputs:
            if read.in_place:
                assert f"stages/{read.stage}.py" in files
                group = read.settings["group"].replace("-", "_")
                assert f"groups/actions/{group}.py" in files
        # the stages that import a module by name
        match cell.stage:
            case "studies" | "figures":
                assert f"papers/{cell.settings['module'].replace('.', '/')}.py" in files
            case "datasets":
                assert f"datasets/sets/{cell.settings['name'].replace('-', '_')}.py" in files
            case "networks":
                builder = registry.BUILDERS[cell.settings["network"]["kind"]].module
                problem = registry.PROBLEMS[cell.settings["problem"]["kind"]].module
                for module in (builder, problem):
                    assert f"{module.removeprefix('symlearn.').replace('.', '/')}.py" in files


def test_one_more_n_adds_a_kernel_and_a_study_per_architecture(shipped):
    rotations = rotations_of(shipped)
    before = cells_of(shipped)
    after = cells_of(with_rotations(shipped, n=[*rotations["n"][:2], 6, *rotations["n"][2:]]))
    assert before.keys() <= after.keys()
    added = sorted(after[key].stage for key in after.keys() - before.keys())
    each = len(rotations["architectures"])
    assert added == ["kernels"] * each + ["studies"] * each


def test_one_more_chunk_adds_cells_and_keeps_the_full_ones(shipped):
    before = cells_of(with_rotations(shipped, pairs=32, chunk=16))
    after = cells_of(with_rotations(shipped, pairs=48, chunk=16))
    assert before.keys() < after.keys()


def test_chunks_cover_all_pairs_once(shipped):
    cells = cells_of(with_rotations(shipped, pairs=29, chunk=12, n=[4, 8, 16]))
    read = [other for cell in cells.values() for other in cell.inputs if other.stage == "orbits"]
    tasks = [orbits.spec["task"] for orbits in read]
    chunks = {(task["start"], task["stop"]) for task in tasks if task["draw"] == "pairs"}
    assert {(0, 12), (12, 24), (24, 29)} <= chunks


@pytest.mark.parametrize("grid", ["n", "architectures"])
def test_the_order_of_a_grid_changes_no_name(shipped, grid):
    rotations = rotations_of(shipped)
    reordered = with_rotations(shipped, **{grid: rotations[grid][::-1]})
    assert cells_of(shipped).keys() == cells_of(reordered).keys()


def test_one_more_architecture_keeps_all_names(shipped):
    names = rotations_of(shipped)["architectures"]
    before = cells_of(shipped)
    after = cells_of(with_rotations(shipped, architectures=["cnn-gap-3-3", *names]))
    assert before.keys() < after.keys()
    added = {after[key].stage for key in after.keys() - before.keys()}
    assert added == {"kernels", "studies"}


@pytest.mark.parametrize("order", [["cnn-gap-3", "cnn-fc-3"], ["cnn-fc-3"], ["cnn-gap-3"]])
def test_figure_7_softens_the_first_architecture_that_keeps_orbits_apart(shipped, order):
    shipped["presets"][shipped["preset"]]["shifts"]["architectures"] = order
    cells = parse(shipped).call(wings.studies()["softness"])
    softened = {cell.spec["labels"]["architecture"] for cell in cells}
    assert softened == {name for name in order if name == "cnn-fc-3"}


def test_another_seed_changes_all_draws(shipped):
    other = copy.deepcopy(shipped)
    other["base"]["seed"] += 1
    shared = cells_of(shipped).keys() & cells_of(other).keys()
    assert {key.split("/")[0] for key in shared} == {"datasets", "studies"}
    assert all(key.startswith(_WITHOUT_DRAWS) for key in shared)


def test_an_architecture_of_ones_own_is_known_by_its_layers(shipped):
    shipped["architectures"]["mine"] = {"kind": "mlp", "hidden_layers": 2}
    first = cells_of(with_rotations(shipped, architectures=["mlp-1", "mine"]))
    shipped["architectures"]["mine"]["hidden_layers"] = 3
    second = cells_of(with_rotations(shipped, architectures=["mlp-1", "mine"]))
    ours = {key for key in first if "mine" in key}
    assert ours
    assert not ours & second.keys()


def test_all_cells_come_once_however_often_they_are_read(config):
    cells = plan.all_jobs([*plan.figures(config).values()] * 2)
    assert len({id(cell) for cell in cells}) == len({cell.name for cell in cells}) == len(cells)


@pytest.mark.parametrize("name", plan.figure_names())
def test_a_figure_says_in_literals_what_it_needs(config, name):
    needs = wings.needs_of(name)
    assert needs
    assert needs.keys() <= wings.studies().keys()
    assert plan.figures(config)[name].inputs


def test_captions_name_the_data_of_figures_that_read_several_sets(shipped):
    """Their own images and seed, and that there are others; none where theirs are not read."""
    figures = plan.figures(parse({**shipped, "preset": "standard"}))
    for name in ("invariance-regulariser", "invariance-shift"):
        context = figures[name].settings["context"]
        assert context["dataset"]["name"] == "mnist"
        assert context["others"] == ["cifar10-part"]
        assert context["seed"] == shipped["base"]["seed"]
    module = SimpleNamespace(TITLE="A title", caption=lambda _: "What is shown.")
    text = caption(module, {}, figures["invariance-shift"].settings)
    assert (
        f"Images: mnist (and of other data sets: cifar10-part); random seed {context['seed']}."
        in text
    )
    assert "others" not in figures["invariance-decay"].settings["context"]
    assert figures["fig2"].settings["context"] is None


def test_every_figure_file_is_found_in_the_order_of_its_study_and_number():
    names = plan.figure_names()
    numbered = [name for name in names if name.startswith("fig")]
    files = {path.stem for path in ROOT.glob("papers/*/figures/fig[0-9]*.py")}
    assert {name.replace("-", "_") for name in numbered} == files
    # A supplement follows its figure.
    by_number = sorted(numbered, key=lambda name: (int(re.findall(r"\d+", name)[0]), name))
    assert names[: len(numbered)] == by_number
    assert by_number[3:5] == ["fig4", "fig4-supplement"]
    shown = [wing.title for wing in wings.wings()]
    others = sorted(
        set(names) - set(numbered), key=lambda name: (shown.index(plan.topic(name)), name)
    )
    assert names[len(numbered) :] == others
    assert others[-1] == "speed"
    for name in names:
        module = wings.module_of(name).replace(".", "/")
        ast.parse((ROOT / "papers" / f"{module}.py").read_text())


def test_every_figure_has_a_topic():
    topics = {name: plan.topic(name) for name in plan.figure_names()}
    assert set(topics.values()) == {wing.title for wing in wings.wings()}
    with pytest.raises(ValueError, match="of-a-fifth-study is no figure"):
        plan.topic("of-a-fifth-study")
    assert topics["fig12"] == "Partially observed orbits"
    assert topics["stripe-weights"] == topics["stability-depth"] == "Relative stability"


def test_only_what_a_figure_needs_can_refuse_the_config(shipped):
    shipped["presets"]["quick"]["rotations"]["pairs"] = -1
    config = parse(shipped)
    assert {"fig2", "fig7", "lie-models"} <= plan.figures(config, ["fig2"]).keys()
    assert not {"fig4", "fig5", "fig9"} & plan.figures(config, ["fig2"]).keys()
    for wanted in (["fig4"], ["fig2", "fig5"], None):
        with pytest.raises(ConfigError, match=r"presets\.quick\.rotations\.pairs: -1"):
            plan.figures(config, wanted)


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["fig4"], ["fig4"]),
        (["--cores", "all", "fig4", "figures/quick/lie-models.pdf"], ["fig4", "lie-models"]),
        (["figures/quick/fig10-supplement.pdf.json"], ["fig10-supplement"]),
        (["--cores", "all"], None),
        (["all"], None),
        (["fig4", "claims"], None),
        (["results/quick/datasets/digits.nc"], None),
        ([], None),
    ],
)
def test_a_command_line_names_figures_and_their_files(words, names):
    assert plan.wanted(words) == names


def test_a_preset_of_ones_own_names_the_results_of_the_one_that_it_extends(shipped):
    """What it changes gets other names, in its own folder; all else keeps those that it had."""
    shipped["presets"]["mine"] = {"extends": "quick", "rings": {"separations": [0, 1]}}
    quick, mine = (cells_of({**shipped, "preset": name}) for name in ("quick", "mine"))
    assert {key.rsplit("-", 1)[0] for key in quick.keys() ^ mine.keys()} == {"studies/rings"}
