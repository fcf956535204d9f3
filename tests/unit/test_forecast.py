import base64
import csv
import json
import math
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml
from torch import nn

from symlearn import plan
from symlearn.config import overlaid, parse
from symlearn.errors import ConfigError
from symlearn.menu import kinds, lookup, networks, registry
from symlearn.networks.build import build
from symlearn.networks.ntk import NtkConvolution, NtkDense
from symlearn.networks.vision_transformer import Attention
from symlearn.pipeline import manifests
from symlearn.pipeline.hashes import sha256
from symlearn.pipeline.manifests import code_of
from symlearn.pipeline.outputs import benchmark_path, output_files
from symlearn.pipeline.provenance import sidecar, write_sidecar
from symlearn.pipeline.specs import STAGES, Cell, input_files, modules_of, weight_files, write_spec
from symlearn.tools.forecast import measured, records
from symlearn.tools.forecast import reference as reference_command
from symlearn.tools.forecast.command import main
from symlearn.tools.forecast.differences import changes
from symlearn.tools.forecast.forecast import cost_model, forecast
from symlearn.tools.forecast.measured import Cost, read_benchmark, reference
from symlearn.tools.forecast.model import CostModel, line
from symlearn.tools.forecast.reference import table
from symlearn.tools.forecast.schedule import Job, wall_time
from symlearn.tools.forecast.standing import Reason, standing
from symlearn.tools.forecast.training import image_shape, network_cost, outputs, schedule
from symlearn.tools.forecast.work import WORK, Work, work_of

ROOT = Path(__file__).parents[2]
PRESETS = list(yaml.safe_load((ROOT / "config.yaml").read_text())["presets"])


def jobs(*entries):
    return {name: Job(name, after, seconds, threads) for name, after, seconds, threads in entries}


def cells_of(config, preset):
    return plan.all_jobs(plan.figures(config.choosing(preset)).values())


def single(config, preset, stage):
    """The cells of a stage one by one, whichever job makes them."""
    return [c for job in cells_of(config, preset) if job.stage == stage for c in job.makes]


def kernel_cells(config, preset, architecture):
    cells = single(config, preset, "kernels")
    return [cell for cell in cells if cell.slug.startswith(f"{architecture}-pairs-cyclic-rotation")]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_kind_of_job_of_a_preset_has_a_reference_measurement(config, preset):
    model = CostModel(reference())
    for cell in cells_of(config, preset):
        cost = model.cost(work_of(cell))
        assert cost is not None, cell.name
        assert 0 < cost.seconds < math.inf


def test_the_slurm_profile_gives_the_jobs_of_paper_the_time_that_they_take(config):
    """A study in one attempt, a training in all together: it goes on from its checkpoints."""
    path = ROOT / "workflow/profiles/slurm/config.yaml"
    profile, model = yaml.safe_load(path.read_text()), CostModel(reference())
    rules = {"studies": "compute_study", "networks": "train_networks"}
    checked = 0
    for cell in cells_of(config, "paper"):
        endless = cell.stage == "networks" and "resnet18" in cell.slug  # for GPUs, as it says
        if cell.stage in rules and not endless:
            expression = profile["set-resources"][rules[cell.stage]]["runtime"]
            names = {"wildcards": SimpleNamespace(cell=cell.name)}
            attempts = range(1, profile["retries"] + 2)
            minutes = [eval(expression, {**names, "attempt": attempt}) for attempt in attempts]
            allowed = minutes[-1] if cell.stage == "studies" else sum(minutes)
            assert model.cost(work_of(cell)).seconds < 60 * allowed, cell.name
            checked += 1
    assert checked > 500


def test_twice_the_pairs_are_twice_the_work(config):
    first, *_ = kernel_cells(config, "quick", "cnn-gap-3")
    (orbits,) = first.inputs
    task = {**orbits.settings["task"], "stop": 2 * orbits.settings["task"]["stop"]}
    more = Cell("orbits", orbits.slug, {**orbits.settings, "task": task}, orbits.inputs)
    twice = Cell(first.stage, first.slug, first.settings, (more,))
    assert work_of(twice).amount == 2 * work_of(first).amount
    assert work_of(twice).kind == work_of(first).kind


def test_the_work_of_a_job_is_that_of_its_parts(config):
    for job in cells_of(config, "quick"):
        if job.parts:
            whole, each = work_of(job), [work_of(part) for part in job.parts]
            assert {work.kind for work in each} == {whole.kind}, job.name
            assert whole.amount == pytest.approx(sum(work.amount for work in each))
            assert whole.values == pytest.approx(sum(work.values for work in each))


def test_a_recipe_in_bfloat16_takes_the_measured_share_of_the_products(config):
    cell = next(c for c in cells_of(config, "standard") if "resnet18-narrow-cifar10" in c.slug)
    trained = cell.inputs[0] if cell.stage == "studies" else cell
    recipe = dict(trained.settings["recipe"])
    amounts = []
    for keys in ((), ("layout",), ("layout", "precision")):
        kept = {k: v for k, v in recipe.items() if k in keys or k not in ("layout", "precision")}
        settings = {**trained.settings, "recipe": kept}
        amounts.append(work_of(Cell("networks", trained.slug, settings, trained.inputs)).amount)
    plain, last, both = amounts
    assert last / plain == pytest.approx(0.6, abs=0.01)
    assert both / plain == pytest.approx(0.4, abs=0.01)


def test_more_displacements_and_cutoffs_are_more_work(config):
    cell = next(c for c in cells_of(config, "quick") if "displacement-resnet8-8" in c.slug)
    assert len(cell.settings["displacements"]) == 4
    settings = {**cell.settings, "displacements": [0.5, 1.0], "cutoffs": [3]}
    less = Cell(cell.stage, cell.slug, settings, cell.inputs)
    assert work_of(cell).amount == 6 * work_of(less).amount


def test_more_deformations_and_colours_are_more_work(config):
    cells = cells_of(config, "standard")
    grey, colour = (
        next(c for c in cells if c.slug == f"stability-resnet8-8-{name}")
        for name in ("mnist", "cifar10-part")
    )
    more = Cell(grey.stage, grey.slug, {**grey.settings, "draws": 16}, grey.inputs)
    assert work_of(more).amount / work_of(grey).amount == pytest.approx(33 / 17)
    first = [work_of(cell.inputs[0]).amount / len(cell.inputs) for cell in (grey, colour)]
    assert first[1] > first[0]


def products_of(module, shape):
    """The multiplications of one image's pass, from the layers' shapes as they are run."""
    found = []

    def count(layer, inputs, output):
        match layer:
            case nn.Linear() | nn.Conv2d() | NtkConvolution():
                found.append(output.numel() * layer.weight[0].numel())
            case NtkDense():
                found.append(output.numel() * layer.weight.shape[0])
            case Attention():
                tokens, inner = inputs[0].shape[1], layer.out.in_features
                found.append(2 * tokens**2 * inner)  # query with key, weights with values

    for layer in module.modules():
        layer.register_forward_hook(count)
    with torch.no_grad():
        module(torch.zeros(1, *shape))
    return sum(found)


OWN = {
    **{name: {"kind": "ntk", "architecture": kinds.standard_architecture(name), "width": 16}
       for name in kinds.STANDARD if name != "transformer-7"},  # a kernel without a network
    "averaged-cnn": {
        "kind": "orbit-averaged", "group": "dihedral", "n": 4,
        "network": networks.standard_entry("cnn-8"),
    },
    "pooled": {"kind": "orbit-pooled", "group": "cyclic-shift", "n": 2, "widths": [8, 8]},
}  # fmt: skip


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)])
@pytest.mark.parametrize("name", [*networks.STANDARD, *OWN])
def test_a_network_is_counted_as_its_real_layers_are(name, shape):
    entry = OWN.get(name) or networks.standard_entry(name)
    module = build(entry, shape, 10, seed=0).eval()
    weights = sum(weight.numel() for weight in module.parameters())
    assert network_cost(entry, shape, 10) == (products_of(module, shape), weights)


def test_every_kind_of_network_is_counted():
    counted = {networks.STANDARD[name]["kind"] for name in networks.STANDARD}
    # Of an objective for two views the network within is counted.
    within = {"of-views"}
    own = {entry["kind"] for entry in OWN.values()}
    assert counted | own | within == registry.BUILDERS.keys()


def test_trainings_are_counted_as_long_as_their_problems_are(config):
    """Of all networks of the preset: how many, their steps and batches, their images and outputs.

    Every kind of problem is among them.
    """
    made = {}

    def result(cell):
        if cell.name not in made:
            stage = import_module(f"symlearn.stages.{cell.stage}")
            more = [None] if cell.stage == "datasets" else []
            made[cell.name] = stage.compute(cell.spec, [result(i) for i in cell.inputs], *more)
        return made[cell.name]

    trained = single(config, "quick", "networks")
    for cell in trained:
        maker = registry.PROBLEMS[cell.settings["problem"]["kind"]]
        problem = lookup.found(maker.module, maker.problem)(result(cell.inputs[0]), cell.spec)
        steps = cell.settings["recipe"]["epochs"] * problem.steps
        assert schedule(cell) == (problem.members, steps, problem.batch), cell.name
        assert image_shape(cell) == problem.shape, cell.name
        assert outputs(cell) == problem.outputs, cell.name
    assert {cell.settings["problem"]["kind"] for cell in trained} == registry.PROBLEMS.keys()


def test_a_problem_without_an_entry_costs_the_most_of_its_stage(config):
    cells = single(config, "quick", "networks")
    problem = {**cells[0].settings["problem"], "kind": "another"}
    other = {**cells[0].settings, "problem": problem}
    work, model = work_of(Cell("networks", "cell", other, cells[0].inputs)), CostModel(reference())
    assert work.amount == 0
    starts = [model.cost(Work(kind)).seconds for kind in {work_of(cell).kind for cell in cells}]
    assert model.cost(work).seconds >= max(starts)


def test_a_network_that_cannot_be_built_is_named(config):
    cells = single(config, "quick", "networks")
    cell = next(cell for cell in cells if cell.slug.startswith("widths"))
    entry = {**cell.settings["network"], "architecture": {"kind": "rbf", "inverse_length": 1.0}}
    wrong = Cell("networks", "wrong", {**cell.settings, "network": entry}, cell.inputs)
    with pytest.raises(ConfigError, match="wrong: the layer RadialBasis"):
        work_of(wrong)


def test_a_pair_of_views_is_two_images_and_its_network_the_one_within(config):
    cells = single(config, "quick", "networks")
    cell = next(cell for cell in cells if cell.settings["network"]["kind"] == "of-views")
    inner = {**cell.settings, "network": cell.settings["network"]["network"]}
    plain = work_of(Cell("networks", "plain", inner, cell.inputs))
    assert work_of(cell).kind == plain.kind == "networks perceptron pairs-of-views"
    assert 1.5 < work_of(cell).amount / plain.amount < 2


def test_learning_without_labels_is_counted_by_its_systems_and_kernels(config):
    """Of twice the poses: eight times the systems and four times the kernels, or nearly so."""
    cells = [cell for cell in single(config, "standard", "studies")
             if cell.settings["study"] == "self-supervised"]  # fmt: skip
    amounts = {}
    for cell in cells:
        labels = cell.labels
        amounts[labels["architecture"], labels["n"]] = work_of(cell).amount
    assert 7 < amounts["mlp-1", 16] / amounts["mlp-1", 8] < 8
    assert 4 < amounts["transformer-7", 16] / amounts["transformer-7", 8] < 6
    gains = {**cells[0].settings, "gains": [0]}
    assert work_of(Cell("studies", "few", gains, cells[0].inputs)).amount < work_of(cells[0]).amount


def test_the_study_of_learning_without_labels_takes_what_was_measured(config):
    """Some half a core-hour in standard, and not the tenth of it that one more study takes."""
    model, jobs = CostModel(reference()), cells_of(config, "standard")
    own = [job for job in jobs if work_of(job).kind == "studies orbits.self_supervised"]
    assert 0.3 < sum(model.cost(work_of(job)).seconds for job in own) / 3600 < 1.0


def test_twice_the_units_or_half_the_step_are_twice_the_work(config):
    cells = single(config, "quick", "studies")
    (base,) = (cell for cell in cells if cell.slug == "stripe-training-feature-p32-from0")
    for change in ({"width": 800}, {"limits": {"parameters": 0.01, "outputs": 0.1}}):
        other = Cell(base.stage, base.slug, {**base.settings, **change})
        assert work_of(other).amount == pytest.approx(2 * work_of(base).amount)


def test_pooling_costs_the_square_of_the_pixels(config, shipped):
    digits = {
        "dataset": {"name": "digits", "padding": 2}, "partial": {"images": 100},
        "shifts": {"n": [2, 4]},
    }  # fmt: skip
    other = parse(overlaid(shipped, {"presets": {"quick": digits}}))
    (small, *_), (large, *_) = (kernel_cells(c, "quick", "cnn-gap-3") for c in (other, config))
    per_entry = [work_of(cell).amount / work_of(cell).values for cell in (small, large)]
    assert per_entry[1] / per_entry[0] == pytest.approx((28 / 12) ** 4)


def test_only_one_convolution_in_64_bits_is_worked_out_in_closed_form(config):
    (cell, *_) = kernel_cells(config, "quick", "cnn-gap-3")
    assert work_of(cell).kind == "kernels closed-form pooled"
    architecture = config.context.architecture("cnn-gap-3-3")
    for change in ({"precision": "float32"}, {"architecture": architecture}):
        other = Cell(cell.stage, cell.slug, {**cell.settings, **change}, cell.inputs)
        assert work_of(other).kind == "kernels neural-tangents pooled"


def test_a_stage_without_an_entry_is_not_counted_and_no_error():
    work = work_of(Cell("another", "cell", {}))
    assert "another" not in WORK
    assert CostModel(reference()).cost(work) is None


def test_a_line_goes_through_points_that_lie_on_one():
    found = line([(0.0, 2.0), (10.0, 7.0), (1000.0, 502.0)])
    assert (found.constant, found.slope) == pytest.approx((2.0, 0.5))


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([(1.0, 5.0), (2.0, 4.0), (3.0, 3.0)], (3.83, 0.0)),  # no negative rate
        ([(10.0, 1.0), (20.0, 4.0)], (0.0, 0.15)),  # no negative constant
        ([(3.0, 6.0)], (6.0, 0.0)),
        ([(0.0, math.nan)], (0.0, 0.0)),
        ([], (0.0, 0.0)),
    ],
)
def test_a_line_is_never_negative(points, expected):
    found = line(points)
    assert (found.constant, found.slope) == pytest.approx(expected, rel=0.05)


def test_a_slower_machine_scales_the_reference():
    rows = [(Work("a", x), Cost(1.0 + x, 100.0, 1.0)) for x in (1.0, 10.0)]
    rows.append((Work("b"), Cost(4.0, 1.0, 1.0)))
    here = [(Work("a", 1.0), Cost(6.0, 100.0, 1.0))]
    model = CostModel(rows, here)
    assert model.speed == pytest.approx(3.0)
    assert model.cost(Work("b")).seconds == pytest.approx(12.0)
    assert model.cost(Work("b")).memory == pytest.approx(1.0)


def test_enough_measurements_of_a_kind_replace_the_reference():
    rows = [(Work("a", x), Cost(1.0 + x, 1.0, 1.0)) for x in (1.0, 10.0)]
    here = [(Work("a", x), Cost(2.0 + 3 * x, 1.0, 1.0)) for x in (1.0, 5.0, 50.0, 500.0)]
    assert CostModel(rows, here).cost(Work("a", 1000.0)).seconds == pytest.approx(3002.0)


def test_an_unknown_kind_costs_the_most_of_its_stage():
    rows = [(Work(f"studies {x}"), Cost(float(x), 1.0, 1.0)) for x in range(1, 4)]
    assert CostModel(rows).cost(Work("studies new", 10.0)).seconds == 3.0
    assert CostModel(rows).cost(Work("training new", 10.0)) is None


def test_jobs_wait_for_their_inputs_and_for_cores():
    three = jobs(("a", (), 4.0, 1), ("b", (), 4.0, 1), ("c", ("a", "b"), 1.0, 1))
    assert wall_time(three, 1) == 9.0
    assert wall_time(three, 2) == 5.0
    assert wall_time(three, 100) == 5.0
    assert wall_time({}, 2) == 0.0


def test_a_wide_job_takes_all_cores_and_does_not_wait_for_ever():
    wide = jobs(("a", (), 2.0, 8), ("b", (), 1.0, 1), ("c", (), 1.0, 1))
    assert wall_time(wide, 2) == 3.0


def test_what_is_made_is_not_waited_for():
    assert wall_time(jobs(("a", ("made",), 2.0, 1)), 1) == 2.0


def test_a_benchmark_file_is_read_and_anything_else_is_none(tmp_path):
    path = tmp_path / "x.tsv"
    assert read_benchmark(path) is None
    path.write_text("s\th:m:s\tmax_rss\tcpu_time\n3.5\t0:00:03\t120.5\t3.1\n")
    assert read_benchmark(path) == (3.5, 120.5, 3.1)
    path.write_text("s\th:m:s\tmax_rss\tcpu_time\n0.1\t0:00:00\tNA\tNA\n")
    assert math.isnan(read_benchmark(path).memory)
    path.write_text("s\tmax_rss\tcpu_time\nsoon\t1\t1\n")
    assert read_benchmark(path) is None
    path.write_text("nonsense\n1\n")
    assert read_benchmark(path) is None


def test_the_reference_table_is_what_its_script_writes():
    text = measured.REFERENCE.read_text()
    machine = text.splitlines()[1].removeprefix("# ").split(".")[0]
    assert table(reference(), machine) == text


def test_small_jobs_predict_large_ones_within_a_factor_of_two():
    """Of the kinds that cost minutes: the largest job in the shipped table, from smaller ones."""
    tested = 0
    for kind in {work.kind for work, _ in reference()}:
        rows = sorted((row for row in reference() if row[0].kind == kind), key=_amount)
        largest, cost = rows[-1]
        if cost.seconds > 60 and len(rows) > 4:
            predicted = CostModel(rows[:-1]).cost(largest).seconds
            assert 0.5 < predicted / cost.seconds < 2, kind
            tested += 1
    assert tested


def _amount(row):
    return row[0].amount


def test_the_shipped_table_is_fitted_within_a_factor_of_two_in_total():
    model = CostModel(reference())
    for stage in ("kernels", "studies", "figures"):
        rows = [row for row in reference() if row[0].stage == stage]
        predicted = sum(model.cost(work).seconds for work, _ in rows)
        assert 0.5 < predicted / sum(cost.seconds for _, cost in rows) < 2, stage


@pytest.fixture
def folder(tmp_path, monkeypatch, shipped_text):
    """A working folder with the shipped config and no results."""
    (tmp_path / "config.yaml").write_text(shipped_text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_prints_jobs_hours_memory_and_disk(folder, capsys):
    assert main(["--preset", "standard", "--cores", "4"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Preset standard: all\n")
    assert "on 4 cores" in printed
    (total,) = (line.split() for line in printed.splitlines() if line.startswith("total"))
    assert int(total[1]) > 100
    assert total[2] == "0"
    assert float(total[3]) > 0.1


def test_each_figure_has_a_line_with_what_it_takes_by_itself(folder, capsys):
    assert main(["fig1", "fig4", "--each"]) == 0
    _, first, second = (line.split() for line in capsys.readouterr().out.splitlines())
    assert [first[0], second[0]] == ["fig1", "fig4"]
    assert 0 < float(first[3]) < float(first[2])  # training, and all
    assert float(second[3]) == 0


def test_more_cores_take_less_time_and_the_same_core_hours(folder, config):
    results = Path("results/quick")
    stands = standing(results, plan.figures(config).values())
    cast = forecast(results, stands, cost_model(config))
    assert cast.seconds(1) > cast.seconds(2) > cast.seconds(8)
    assert cast.seconds(1) >= 3600 * cast.core_hours()


def test_a_cell_that_was_measured_here_costs_what_it_took(folder, config):
    cell = next(job for job in cells_of(config, "quick") if job.stage == "kernels")
    path = benchmark_path(folder / "results/quick", cell)
    path.parent.mkdir(parents=True)
    with path.open("w", newline="") as stream:
        csv.writer(stream, delimiter="\t").writerows(
            [["s", "max_rss", "cpu_time"], [123.0, 50.0, 9.0]]
        )
    assert measured.measured(folder / "results/quick", cell) == Cost(123.0, 50.0, 0.0)


def write_benchmark(path, seconds):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"s\tmax_rss\tcpu_time\n{seconds}\t50\t{seconds}\n")


def test_a_renewed_reference_table_keeps_the_kinds_that_were_not_measured(folder, capsys):
    write_benchmark(folder / "results/quick/benchmarks/claims.tsv", 7.5)
    out = folder / "table.tsv"
    assert reference_command.main(["quick", "--out", str(out)]) == 0
    before, after = (path.read_text().splitlines()[2:] for path in (measured.REFERENCE, out))
    assert [line for line in after if line not in before] == ["claims\t0\t0\t7.5\t50\t0"]
    assert len(after) == len(before)
    assert sorted(path.name for path in folder.iterdir()) == ["config.yaml", "results", "table.tsv"]


def test_kinds_that_the_reference_table_lacks_come_at_the_speed_of_its_machine(
    folder, config, monkeypatch
):
    fig2 = next(cell for cell in cells_of(config, "quick") if cell.slug == "fig2")
    shipped = measured.reference()
    without = [row for row in shipped if row[0].kind != "figures fig2"]
    monkeypatch.setattr(reference_command, "reference", lambda: without)
    (claims,) = (cost.seconds for work, cost in shipped if work.kind == "claims")
    # Here all takes twice as long.
    write_benchmark(folder / "results/quick/benchmarks/claims.tsv", 2 * claims)
    write_benchmark(benchmark_path(folder / "results/quick", fig2), 10.0)
    out = folder / "table.tsv"
    assert reference_command.main(["--add", "quick", "--out", str(out)]) == 0
    before, after = (path.read_text().splitlines()[2:] for path in (measured.REFERENCE, out))
    kept = [line for line in before if not line.startswith("figures fig2\t")]
    assert [line for line in after if line not in kept] == ["figures fig2\t0\t1\t5\t50\t0"]
    assert len(after) == len(kept) + 1


def test_without_measurements_the_reference_table_stays_and_the_preset_is_named(folder, capsys):
    write_benchmark(folder / "results/quick/benchmarks/claims.tsv", 7.5)
    out = folder / "table.tsv"
    out.write_text("as it was\n")
    assert reference_command.main(["quick", "standard", "--out", str(out)]) == 1
    err = capsys.readouterr().err
    assert "results/standard: nothing was measured there" in err
    assert err.count("\n") == 1
    assert out.read_text() == "as it was\n"
    assert reference_command.main(["quik", "--out", str(out)]) == 1
    err = capsys.readouterr().err
    assert "'quik' has no entry under presets" in err
    assert err.count("\n") == 1
    assert out.read_text() == "as it was\n"


def lay_over(folder, **presets):
    """A config file that is laid over the shipped one; returns its name."""
    (folder / "mine.yaml").write_text(yaml.safe_dump({"presets": presets}))
    return "mine.yaml"


def counted(printed):
    """The jobs of each stage in a printed plan."""
    rows = [line.split() for line in printed.splitlines()]
    return {row[0]: int(row[1]) for row in rows if row[0] in STAGES}


def test_a_preset_of_ones_own_comes_from_a_file_laid_over_the_config(folder, capsys):
    mine = {"extends": "quick", "rotations": {"n": [2, 4], "architectures": ["mlp-1"]}}
    file = lay_over(folder, mine=mine)
    assert main(["fig9"]) == 0
    quick = counted(capsys.readouterr().out)
    assert main(["fig9", "--preset", "mine", "--configfile", file]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Preset mine: fig9\n")
    mine = counted(printed)
    assert mine["kernels"] == mine["studies"] == 1  # one of the four architectures
    assert min(quick["kernels"], quick["studies"]) >= 4
    assert main(["--why", "fig9", "--preset", "mine", "--configfile", file]) == 0
    assert "missing     figures/mine/fig9.pdf" in capsys.readouterr().out


def test_a_file_laid_over_the_config_chooses_the_preset_and_changes_its_values(folder, capsys):
    merged = {"preset": "standard", "presets": {"standard": {"rings": {"n": [4, 8]}}}}
    (folder / "mine.yaml").write_text(yaml.safe_dump(merged))
    assert main(["fig2", "--configfile", "mine.yaml"]) == 0
    assert capsys.readouterr().out.startswith("Preset standard: fig2\n")


def test_a_fault_stops_the_figures_alone_that_need_it(folder, capsys):
    file = lay_over(folder, quick={"stability": {"draws": 0}})
    assert main(["fig4", "--configfile", file]) == 0
    assert main(["--why", "fig4", "--configfile", file]) == 0
    capsys.readouterr()
    for arguments in (["stability-depth"], ["--why", "stability-depth"], [], ["--each"]):
        assert main([*arguments, "--configfile", file]) == 1
        err = capsys.readouterr().err
        assert "presets.quick.stability.draws: 0" in err
        assert err.count("\n") == 1


def test_a_fault_in_another_preset_stops_nothing(folder, capsys):
    write_benchmark(folder / "results/standard/benchmarks/claims.tsv", 7.5)
    for fault in ({"dataset": {"name": "mnits"}}, {"rotations": {"pairs": 0}}):
        assert main(["fig4", "--configfile", lay_over(folder, standard=fault)]) == 0
    capsys.readouterr()


# What is laid over the quick preset, a figure, and what is said to have changed.
CHANGES = {
    "a grid": ({"rotations": {"pairs": 48}}, "fig9", "rotations"),
    "one more n": (
        {"rotations": {"n": [2, 4, 6, 8, 16, 32]}}, "fig9",
        "rotations: architecture mlp-1, mlp-5, cnn-fc-3, cnn-gap-3, transformer-7; n 6 added",
    ),
    "a setting of cells that share a job": (
        {"shifts": {"ridge_factors": [0.001]}}, "fig7",
        "shifts.ridge_factors: [1e-10, 1e-08, 1e-06, 1e-05, 0.0001, 0.001] -> [0.001]",
    ),
    "a setting of networks that share a job": (
        {"widths": {"learning_rate": 0.25}}, "fig12", "widths.learning_rate: ",
    ),
    "one more n of networks that share a job": (
        {"partial": {"n": [2, 4, 6, 8]}}, "fig1", "partial: network mlp, cnn; n 6; ",
    ),
    "what all studies share": ({"seed": 5}, "fig9", "seed: 124 -> 5"),
    "the images": ({"dataset": {"padding": 3}}, "fig9", "dataset.padding: 0 -> 3"),
    "the networks of another study": (
        {"partial": {"images": 200}}, "lie-partial", "partial.images: 2000 -> 200",
    ),
    "what another study has too": (
        {"lie_partial": {"images": 10}}, "lie-partial", "lie_partial.images: 20 -> 10",
    ),
    "the images of one study": (
        {"stability_samples": {"fields": 2}}, "stability-samples",
        "stability_samples.fields: 400 -> 2",
    ),
    "a training": (
        {"invariance": {"epochs": 25}}, "invariance-decay", "invariance.epochs: 30 -> 25",
    ),
    "the second key of a study": (
        {"portrait": {"classes": [3, 7]}}, "fig7", "portrait.classes: [4, 7] -> [3, 7]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_setting_is_named_by_its_key_in_the_config(folder, shipped, change):
    values, figure, expected = CHANGES[change]
    before = plan.figures(parse(shipped))[figure]
    for cell in plan.all_jobs([before]):
        write_spec(folder / "results/quick", cell)
    config = parse(overlaid(shipped, {"presets": {"quick": values}}))
    after = plan.figures(config, [figure])[figure]
    found = changes(config, folder / "results/quick", before.spec, after)
    assert any(one.startswith(f"presets.quick.{expected}") for one in found), found


def test_cells_that_came_into_a_job_or_went_are_told_where_nothing_else_changed(folder, config):
    results, data = folder / "results/quick", Cell("datasets", "digits", {"name": "digits"})
    a, b, c = (Cell("kernels", slug, {"group": slug}, (data,)) for slug in "abc")
    both, others = (Cell("kernels", "ab", {}, parts=parts) for parts in ((a, b), (a, c)))
    for job in (data, a, both, others):
        write_spec(results, job)

    def told(before, after):
        then, now = (
            Cell("studies", "errors", {}, (replace(a, within=j),)) for j in (before, after)
        )
        return changes(config, results, then.spec, now)

    added, removed = (f"kernels in one job: cells {s}" for s in ("c added", "b removed"))
    assert told(both, others) == [added, removed]
    assert told(None, others) == [added]
    assert told(both, None) == [removed]


def test_networks_and_architectures_of_ones_own_are_named_by_their_entries(folder, shipped):
    shipped["networks"] = {"small": {"kind": "perceptron", "widths": [8]}}
    shipped["presets"]["quick"]["lie_models"]["networks"] = ["small"]
    shipped["presets"]["quick"]["lie_layers"]["networks"] = ["small"]
    before = plan.figures(parse(shipped))["lie-models"]
    for cell in plan.all_jobs([before]):
        write_spec(folder / "results/quick", cell)
    shipped["networks"]["small"]["widths"] = [9]
    config = parse(shipped)
    after = plan.figures(config)["lie-models"]
    found = changes(config, folder / "results/quick", before.spec, after)
    assert found == ["networks.small.widths: [8] -> [9]"]


@pytest.fixture
def made(folder, config):
    """A study of trained networks with all that it reads, as a run would leave them."""
    results = Path("results/quick")
    cell = next(c for c in cells_of(config, "quick") if c.slug.startswith("lie-partial"))
    for one in plan.all_jobs([cell]):
        spec = write_spec(results, one)
        manifest = manifests.write_manifest(results, modules_of(one.spec))
        first, *_ = output_files(results, one)
        first.parent.mkdir(parents=True, exist_ok=True)
        first.write_text(f"the content of {one.name}")
        for weights in [path for path in output_files(results, one) if path.suffix not in ENDINGS]:
            weights.write_text(f"the weights of {one.name}")
        read = [*input_files(results, one.spec), *weight_files(results, one.spec)]
        write_sidecar(first, one.spec, read, started=0.0)
        known = [spec, manifest, *read]
        checksums = {str(path): f"sha256:{sha256(path)}" for path in known}
        for path in output_files(results, one):
            write_record(path, {"input": [*checksums], "input_checksums": checksums})
    return cell


def write_record(path, record):
    """What Snakemake records of a file that it made."""
    place = Path(".snakemake/metadata", base64.urlsafe_b64encode(str(path).encode()).decode())
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(record))


ENDINGS = (".nc", ".json")


def test_a_whole_result_stands(made):
    assert not standing(Path("results/quick"), [made]).runs


@pytest.mark.parametrize("ending", [".nc", ".safetensors"])
def test_changed_networks_or_weights_are_measured_again(made, ending):
    read = next(cell for cell in made.inputs if cell.stage == "networks")
    path = Path("results/quick/networks", f"{read.job.name}{ending}")
    path.write_text("other content")
    later = path.with_suffix(".nc.json").stat().st_mtime + 10
    os.utime(path, (later, later))
    stands = standing(Path("results/quick"), [made])
    assert stands.runs == {f"studies/{made.name}"}
    assert stands.reasons[f"studies/{made.name}"] == [Reason("input", str(path))]


def test_without_snakemakes_records_the_times_of_files_decide(made):
    results = Path("results/quick")
    shutil.rmtree(".snakemake")
    for path in [*results.glob("code/*"), *results.glob("specs/*/*")]:
        os.utime(path, (NOW - 200, NOW - 200))
    for number, cell in enumerate(plan.all_jobs([made]), -100):
        for path in output_files(results, cell):
            os.utime(path, (NOW + number, NOW + number))
    stands = standing(results, [made])
    assert not stands.runs
    assert stands.unrecorded == len(stands.cells)
    read = next(cell for cell in made.inputs if cell.stage == "networks")
    path = Path("results/quick/networks", f"{read.job.name}.nc")
    os.utime(path, (NOW, NOW))
    stands = standing(results, [made])
    assert stands.runs == {f"studies/{made.name}"}
    assert stands.reasons[f"studies/{made.name}"] == [Reason("newer", str(path))]


NOW = 1e9


def test_the_code_of_a_record_decides_whether_a_result_stands(made):
    path = sidecar(output_files(Path("results/quick"), made)[0])
    record = json.loads(path.read_text())
    assert record["code"] == code_of(modules_of(made.spec))
    record["code"]["papers/lie/partial.py"] = "another hash"
    path.write_text(json.dumps(record))
    manifest = manifests.manifest_of(Path("results/quick"), made.spec)
    for file in output_files(Path("results/quick"), made):
        known = {**records.read_record(file).checksums, str(manifest): "sha256:another"}
        write_record(file, {"input_checksums": known})
    os.utime(manifest, (later := manifest.stat().st_mtime + 10, later))
    stands = standing(Path("results/quick"), [made])
    assert stands.reasons[f"studies/{made.name}"] == [Reason("source", "papers/lie/partial.py")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fig44"], "fig44: is neither a figure"),
        (["--cores", "0"], "--cores"),
        (["--why", "fig44"], "fig44: is neither a figure"),
        (["--configfile", "none.yaml"], "none.yaml"),
        (
            ["--preset", "mine"],
            "'mine' has no entry under presets; there are: quick",
        ),
    ],
)
def test_a_wrong_argument_is_one_line(folder, capsys, arguments, message):
    assert main(arguments) == 1
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_a_figure_that_was_never_made_says_so(folder, capsys):
    assert main(["--why", "fig4"]) == 0
    assert "missing     figures/quick/fig4.pdf" in capsys.readouterr().out


def test_looking_ahead_imports_nothing_heavy():
    """The commands answer at once, and the Snakefile imports `bundle.contents`."""
    code = (
        "import sys, symlearn.tools.forecast.command, symlearn.tools.watch;"
        "import symlearn.tools.bundle.contents;"
        "print({'torch', 'jax', 'scipy', 'xarray', 'matplotlib'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_what_trains_nothing_is_planned_without_torch(folder):
    """Also where trainings were measured: to count them takes seconds."""
    write_benchmark(folder / "results/quick/benchmarks/claims.tsv", 7.5)
    code = (
        "import sys; from symlearn.tools.forecast.command import main;"
        "assert main(['fig2', 'fig4']) == 0; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
