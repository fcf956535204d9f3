"""Which cells share a job: all once, short ones together, and names that stay where they can."""

import copy
from dataclasses import replace
from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symlearn import plan
from symlearn.config import parse
from symlearn.jobs import FULL, counted, shared
from symlearn.pipeline.specs import Cell

DATA = Cell("datasets", "digits", {"name": "digits"})
PREPARATION = {"upsampling": 1, "padding": 0}


def orbits(n, pairs):
    task = {"classes": 2, "seeds_per_class": 1, "start": 0, "stop": pairs}
    settings = {"group": "cyclic-shift", "n": n, "preparation": PREPARATION, "task": task}
    return Cell("orbits", f"n{n}", settings, (DATA,))


def kernel(n, pairs=64, together="mlp", slug=None):
    settings = {
        "architecture": {"kind": "mlp", "hidden_layers": 1}, "group": "cyclic-shift",
        "kind": "ntk", "precision": "float64",
    }  # fmt: skip
    made = (orbits(n, pairs),)
    return Cell("kernels", slug or f"mlp-n{n}", settings, made, {"n": n}, together)


def study(*inputs, together="errors", **settings):
    return Cell("studies", f"errors-{inputs[0].slug}", settings, inputs, together=together)


def lasting(share, slug, together="mlp"):
    """A kernel that fills this share of a job."""
    one = counted(kernel(2, pairs=1))
    cell = kernel(2, pairs=round(share * FULL / one), together=together, slug=slug)
    assert counted(cell) == pytest.approx(share * FULL, rel=1e-3)
    return cell


def made(*cells):
    """The cells in their jobs."""
    return shared({"study": cells})["study"]


def slugs(*cells):
    """The parts of each job."""
    found = {cell.job.name: [part.slug for part in cell.job.makes] for cell in made(*cells)}
    return sorted(found.values())


def names(studies):
    """The names of all jobs of studies."""
    cells = [cell for one in shared(studies).values() for cell in one]
    return {f"{job.stage}/{job.name}" for job in plan.all_jobs(cells)}


def test_cells_of_one_word_share_a_job_and_others_do_not():
    cells = [kernel(2), kernel(4), kernel(6, together="other"), kernel(8, together="")]
    assert slugs(*cells) == [["mlp-n2", "mlp-n4"], ["mlp-n6"], ["mlp-n8"]]
    first, second, third, fourth = made(*cells)
    assert first.within == second.within == first.job
    assert first.job.slug == "mlp"
    assert third.job is third
    assert fourth.job is fourth
    assert [cell.spec for cell in made(*cells)] == [cell.spec for cell in cells]


def test_cells_of_one_word_in_two_stages_do_not_share_a_job():
    first = kernel(2, together="word")
    second = replace(study(kernel(4)), together="word")
    assert slugs(first, second) == [["errors-mlp-n4"], ["mlp-n2"]]


def test_a_job_is_filled_with_the_least_work_first():
    works = {"d": 0.4, "b": 0.3, "e": 0.5, "c": 0.25}
    assert slugs(*(lasting(share, slug) for slug, share in works.items())) == [
        ["c", "b", "d"],
        ["e"],
    ]


def test_jobs_of_one_word_are_numbered_and_one_cell_keeps_its_own_name():
    halves = [lasting(0.45 + number / 1000, slug) for number, slug in enumerate("abcde")]
    found = {cell.slug: cell.job.slug for cell in made(*halves)}
    assert found == {"a": "mlp", "b": "mlp", "c": "mlp-1", "d": "mlp-1", "e": "e"}


def test_a_long_cell_is_alone():
    cells = [kernel(2), lasting(1.5, "long"), kernel(4), lasting(3, "longer")]
    assert slugs(*cells) == [["long"], ["longer"], ["mlp-n2", "mlp-n4"]]
    _, long, _, longer = made(*cells)
    assert (long.within, longer.within) == (None, None)


def test_a_cell_whose_work_is_not_counted_is_alone():
    cells = [replace(study(DATA), slug=slug) for slug in "ab"]
    assert counted(cells[0]) == inf
    assert slugs(*cells) == [["a"], ["b"]]


def test_what_a_counted_long_cell_reads_shares_no_job():
    """Or one more short cell would make the long one anew."""
    long = study(lasting(0.9, "read"), ridge_factors=[0.0, 1e-3])
    assert FULL < counted(long) < inf
    here, first, second = made(long, kernel(2), kernel(4))
    (read,) = here.inputs
    assert read.job is read
    assert first.job == second.job
    assert made(long, kernel(2), kernel(4), kernel(6))[0].job.name == here.job.name


def test_what_is_not_counted_reads_jobs_that_are_shared():
    cells = [kernel(2), kernel(4)]
    reading = Cell("figures", "fig", {}, tuple(cells))
    (figure,) = made(reading)
    assert {read.job.slug for read in figure.inputs} == {"mlp"}
    assert figure.spec["inputs"] == [f"kernels/{figure.reads[0].name}#mlp-n{n}" for n in (2, 4)]


def test_a_study_reads_the_parts_where_they_are_now():
    cells = made(*(study(kernel(n)) for n in (2, 4, 6)))
    (job,) = {cell.job.name: cell.job for cell in cells}.values()
    (read,) = job.reads
    assert [part.slug for part in read.parts] == ["mlp-n2", "mlp-n4", "mlp-n6"]
    assert job.spec["inputs"] == [f"kernels/{read.name}"]
    assert [part["inputs"] for part in job.spec["parts"].values()] == [
        [f"kernels/{read.name}#mlp-n{n}"] for n in (2, 4, 6)
    ]


def test_a_cell_that_two_studies_read_is_made_once():
    studies = {"one": [kernel(2), kernel(4)], "two": [kernel(4), kernel(6)]}
    found = shared(studies)
    assert found["one"][1] == found["two"][0]
    assert len({cell.job.name for cells in found.values() for cell in cells}) == 1


def test_two_parts_of_one_slug_are_an_error():
    with pytest.raises(ValueError, match="two cells that share a job have the slug mlp"):
        made(kernel(2, slug="mlp"), kernel(4, slug="mlp"))


works = st.lists(
    st.tuples(
        st.floats(0.001, 2.5), st.sampled_from(["", "a", "b"]), st.sampled_from(["x", "y"])
    ),
    max_size=12,
)  # fmt: skip


@given(works)
def test_every_cell_is_in_one_job_that_does_not_overflow(drawn):
    studies = {"x": [], "y": []}
    for number, (share, word, where) in enumerate(drawn):
        studies[where].append(lasting(share, f"c{number}", together=word))
    found = [cell for cells in shared(studies).values() for cell in cells]
    by_job = {cell.job.name: cell.job for cell in found}
    parts = [part.slug for job in by_job.values() for part in job.makes]
    assert sorted(parts) == sorted(f"c{number}" for number in range(len(drawn)))
    for cell in found:
        assert cell.slug in [part.slug for part in cell.job.makes]
    for job in by_job.values():
        words = {part.together for part in job.makes}
        assert len(words) == 1
        if job.parts:
            assert words != {""}
            assert sum(map(counted, job.parts)) <= FULL
    # No two jobs of one word could have been one, in the order of their work.
    for word in ("a", "b"):
        loads = sorted(
            sum(map(counted, job.makes)) for job in by_job.values() if job.makes[0].together == word
        )
        assert all(one + other > FULL for one, other in pairwise(loads))


@given(works, st.randoms(use_true_random=False))
def test_the_order_of_cells_and_studies_changes_no_name(drawn, random):
    cells = [
        (where, lasting(share, f"c{number}", together=word))
        for number, (share, word, where) in enumerate(drawn)
    ]
    shuffled = copy.copy(cells)
    random.shuffle(shuffled)
    first, second = (
        names({key: [cell for where, cell in order if where == key] for key in keys})
        for order, keys in ((cells, "xy"), (shuffled, "yx"))
    )
    assert first == second


# Of the shipped presets.


def of_preset(raw, preset, wanted=None):
    """The jobs of a preset by stage and name."""
    found = plan.figures(parse({**raw, "preset": preset}), wanted)
    return {f"{job.stage}/{job.name}": job for job in plan.all_jobs(found.values())}


@pytest.mark.parametrize("grid", ["n", "architectures"])
def test_the_order_of_a_grid_changes_no_job(shipped, grid):
    changed = copy.deepcopy(shipped)
    changed["base"]["rotations"][grid] = changed["base"]["rotations"][grid][::-1]
    for preset in ("quick", "paper"):
        before, after = of_preset(shipped, preset), of_preset(changed, preset)
        # A figure shows its cells in the order of the config.
        apart = {key.split("/")[0] for key in before.keys() ^ after.keys()}
        assert apart <= {"figures"}


def test_jobs_do_not_depend_on_which_figures_are_asked_for(shipped):
    for preset in ("quick", "standard"):
        everything = of_preset(shipped, preset)
        assert of_preset(shipped, preset, ["fig4"]).keys() <= everything.keys()
        config = parse({**shipped, "preset": preset})
        one = plan.figures(config, ["fig4"])["fig4"]
        assert one.name == plan.figures(config)["fig4"].name


@pytest.mark.parametrize("preset", ["quick", "standard"])
def test_one_more_short_n_remakes_the_jobs_of_short_cells_alone(shipped, preset):
    changed = copy.deepcopy(shipped)
    changed["presets"][preset].setdefault("rotations", {})
    there = parse({**shipped, "preset": preset}).study("rotations").n
    changed["presets"][preset]["rotations"]["n"] = sorted({*there, 6})
    before, after = of_preset(shipped, preset), of_preset(changed, preset)
    gone = [job for key, job in before.items() if key not in after and job.stage != "figures"]
    assert gone
    for job in gone:
        assert job.parts, job.name
        assert all(counted(part) <= FULL for part in job.parts), job.name
    long = {key for key, job in before.items() if any(FULL < counted(p) < inf for p in job.makes)}
    assert long
    assert long <= after.keys()
    parts = [{part.name for job in jobs.values() for part in job.makes} for jobs in (before, after)]
    assert parts[1] - parts[0]


@pytest.mark.parametrize("preset", ["quick", "standard", "paper"])
def test_no_job_of_a_preset_is_longer_than_full_unless_it_is_one_cell(shipped, preset):
    found = of_preset(shipped, preset).values()
    shared_jobs = [job for job in found if job.parts]
    assert len(shared_jobs) > 10
    assert all(sum(map(counted, job.parts)) <= FULL for job in shared_jobs)


def test_work_is_counted_from_settings():
    assert counted(kernel(4, pairs=20)) == 2 * counted(kernel(4, pairs=10))
    assert counted(DATA) == inf
