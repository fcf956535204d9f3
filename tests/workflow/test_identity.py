"""The identity of work: what reruns after a change, and what does not."""

import re
import shutil
import subprocess

import pytest

from .project import Project, end_session, submits, wait_for

pytestmark = pytest.mark.workflow


@pytest.fixture
def copy(drawn, tmp_path):
    """A finished project that a test may change."""
    folder = tmp_path / "project"
    shutil.copytree(drawn.folder, folder, symlinks=True)
    fresh = object.__new__(Project)
    fresh.folder = folder
    return fresh


def add_rotations(config):
    config["presets"]["quick"]["rotations"]["n"] = [2, 4, 8]


def _add_a_line(project, module):
    path = project.folder / "src/symlearn" / module
    path.write_text(path.read_text() + "\nUNUSED = 1\n")


def test_after_a_run_there_is_nothing_to_do(copy):
    assert copy.planned("fig9") == {}


def test_touching_every_file_reruns_nothing(copy):
    for path in [*copy.folder.glob("src/**/*.py"), *copy.folder.glob("workflow/**/*")]:
        path.touch()
    (copy.folder / "config.yaml").touch()
    assert copy.planned("fig9") == {}


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_checking_the_sources_out_anew_reruns_nothing(copy):
    def git(*arguments):
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        subprocess.run(
            ["git", *identity, *arguments], cwd=copy.folder, check=True, capture_output=True
        )

    git("init", "--quiet")
    git("add", "src", "workflow", "Snakefile", "config.yaml", "envs")
    git("commit", "--quiet", "--message", "a state")
    shutil.rmtree(copy.folder / "src")
    git("checkout", "--", "src")
    assert copy.planned("fig9") == {}


def test_an_edit_of_an_indirectly_imported_module_reruns_exactly_what_uses_it(copy):
    _add_a_line(copy, "theory/geometry.py")
    assert copy.planned("fig9") == {"compute_study": 1, "fig9": 1}


def test_better_words_rerun_nothing(copy):
    """Of a module that the studies import, of one that is chosen by name, and of a figure."""
    names = ["theory/geometry.py", "menu/architectures/mlp.py", "papers/orbits/figures/fig9.py"]
    for name in names:
        module = copy.folder / "src/symlearn" / name
        text = module.read_text()
        better, changed = re.subn(
            r'^( *""")(?=\w)', r"\1Said otherwise: ", text, flags=re.MULTILINE
        )
        assert changed > 1
        module.write_text(f"# A comment before it.\n{better}\n\n# A comment at the end.\n")
    assert copy.planned("fig9") == {}


def test_an_edit_of_what_is_chosen_by_name_reruns_exactly_what_chooses_it(copy):
    names = ["menu/architectures/cnn.py", "groups/actions/dihedral.py", "datasets/sets/mnist.py"]
    for name in names:
        _add_a_line(copy, name)
    assert copy.planned("fig9") == {}
    _add_a_line(copy, "menu/architectures/mlp.py")
    assert copy.planned("fig9") == {"compute_kernel": 1, "compute_study": 1, "fig9": 1}
    _add_a_line(copy, "datasets/sets/mnist_5k.py")
    stages = {"fetch_dataset": 1, "compute_kernel": 1, "compute_study": 1}
    assert copy.planned("fig9") == {**stages, "fig9": 1}


@pytest.mark.parametrize("module", ["stages/orbits.py", "groups/actions/cyclic_rotation.py"])
def test_an_edit_of_what_makes_orbits_reruns_the_jobs_that_make_them(copy, module):
    _add_a_line(copy, module)
    assert copy.planned("fig9") == {"compute_kernel": 1, "compute_study": 1, "fig9": 1}


def test_an_edit_of_a_figure_redraws_that_figure_alone(copy):
    _add_a_line(copy, "papers/orbits/figures/fig9.py")
    assert copy.planned("fig9") == {"fig9": 1}


def test_one_more_short_value_in_a_grid_remakes_the_jobs_that_it_comes_into_alone(copy):
    copy.edit(add_rotations)
    planned = copy.planned("fig9")
    assert planned == {"compute_kernel": 1, "compute_study": 1, "fig9": 1}


def test_one_more_architecture_adds_its_own_jobs_alone(copy):
    def add(config):
        config["presets"]["quick"]["rotations"]["architectures"] = ["cnn-fc-3", "mlp-1"]

    copy.edit(add)
    assert copy.planned("fig9") == {"compute_kernel": 1, "compute_study": 1, "fig9": 1}


def test_going_back_to_an_earlier_config_only_redraws(copy):
    earlier = (copy.folder / "config.yaml").read_text()
    copy.edit(add_rotations)
    copy.run("fig9")
    (copy.folder / "config.yaml").write_text(earlier)
    assert copy.planned("fig9") == {"fig9": 1}


@pytest.mark.slow
@submits
def test_editing_the_config_while_submitted_jobs_wait_changes_nothing(project, drawn):
    submit = project.folder / "submit.sh"
    # Jobs that start later than the edit, each re-reading Snakefile and config as on a cluster.
    submit.write_text("nohup sh -c \"sleep 2; sh '$1'\" > /dev/null 2>&1 &\necho $!\n")
    process = project.start(
        "--executor", "cluster-generic", "--cluster-generic-submit-cmd", f"sh {submit}",
        "--jobs", "2", "--latency-wait", "10", "fig9",
    )  # fmt: skip
    wait_for(lambda: any(project.folder.glob("results/quick/datasets/*.nc")))

    def edit(config):  # another seed, and a group of no such size: not even a valid config
        config["presets"]["quick"]["seed"] = 5
        config["presets"]["quick"]["rotations"]["n"] = [-1]

    earlier = (project.folder / "config.yaml").read_text()
    project.edit(edit)
    output, _ = process.communicate(timeout=400)
    assert process.returncode == 0, output
    (project.folder / "config.yaml").write_text(earlier)
    assert project.results() == drawn.results()
    assert project.planned("fig9") == {}


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["datasets", "kernels", "studies"])
def test_a_run_that_was_killed_ends_with_the_bytes_of_an_unbroken_one(project, drawn, stage):
    process = project.start("--cores", "2", "fig9")
    wait_for(lambda: any(project.folder.glob(f"results/quick/{stage}/*.nc")))
    end_session(process)
    project.snakemake("--unlock")
    project.run("fig9")
    assert project.results() == drawn.results()
