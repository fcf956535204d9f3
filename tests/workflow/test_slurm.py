"""The Slurm profile on a real cluster: figures, failures, limits, edits, cancelling."""

import signal
import subprocess

import pytest

from .cluster import Cluster, missing
from .project import Project, shrink, wait_for

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.skipif(
        bool(missing()),
        reason=f"needs {', '.join(missing())}; as root: apt-get install slurm-wlm munge",
    ),
]

THEORY = [f"fig{number}" for number in range(2, 11)]
# No accounting here, and a first look at a job after 2 s instead of 40.
HERE = (
    "--workflow-profile", "workflow/profiles/slurm", "--jobs", "4", "--latency-wait", "5",
    "--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2",
    "--default-resources", "slurm_account=none", "slurm_partition=main", "mem_mb=1000",
    "runtime=10", "--",
)  # fmt: skip


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def project(tmp_path, cluster):
    """A copy of the project with grids so small that a figure takes seconds."""
    copy = Project(tmp_path / "project")
    copy.edit(shrink)
    return copy


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """The bytes of figure 9's results, computed without a cluster."""
    copy = Project(tmp_path_factory.mktemp("local") / "project")
    copy.edit(shrink)
    copy.run("fig9")
    return copy.results()


def submit(project, *targets, options=()):
    return project.snakemake(*HERE[:-1], *options, "--", *targets)


def of_rule(cluster, before, rule):
    """The jobs of a rule that were submitted since `before` was listed."""
    known = {job["JobId"] for job in before}
    new = [job for job in cluster.jobs() if job["JobId"] not in known]
    return [job for job in new if f"rule_{rule}" in job.get("Comment", "")]


def slow_study(project, lines):
    """Make the study of figure 3, which reads no files, do something before its work."""
    module = project.folder / "src/symlearn/papers/orbits/rings.py"
    text = module.read_text()
    start = text.index("def compute(")
    body = text.index('"""\n', text.index('"""', start) + 3) + len('"""\n')
    module.write_text(text[:body] + lines + text[body:])


def limits(project, old, new):
    rules = project.folder / "workflow/rules/kernels.smk"
    head, study = rules.read_text().split("rule compute_study")
    assert old in study
    rules.write_text(f"{head}rule compute_study{study.replace(old, new)}")


def test_results_are_those_of_a_local_run_to_the_byte(project, local):
    done = submit(project, "fig9")
    assert done.returncode == 0, done.stdout
    assert project.results() == local


def test_a_job_that_fails_is_tried_again_and_reported_with_its_log(project, cluster):
    before = cluster.jobs()
    slow_study(project, "    raise SymlearnError('made to fail')\n")
    module = project.folder / "src/symlearn/papers/orbits/rings.py"
    module.write_text(f"from symlearn.errors import SymlearnError\n{module.read_text()}")
    done = submit(project, "fig3")
    assert done.returncode == 1
    assert "logs/quick/studies/rings-" in done.stdout
    assert "symlearn studies: error: made to fail" in done.stdout
    assert len(of_rule(cluster, before, "compute_study")) == 3
    assert not list(project.folder.glob("results/quick/studies/*.nc"))


def test_a_job_that_exceeds_its_memory_gets_more(project, cluster):
    before = cluster.jobs()
    limits(project, "mem_mb=grows(4000)", "mem_mb=grows(500)")
    slow_study(project, "    import time; held = b'x' * 600_000_000; time.sleep(12); del held\n")
    done = submit(project, "fig3")
    assert done.returncode == 0, done.stdout
    tried = of_rule(cluster, before, "compute_study")
    assert [job["JobState"] for job in tried] == ["FAILED", "COMPLETED"]
    assert [job["MinMemoryNode"] for job in tried] == ["500M", "1000M"]


def test_a_job_that_always_exceeds_its_memory_is_reported_with_its_log(project, cluster):
    before = cluster.jobs()
    limits(project, "mem_mb=grows(4000)", "mem_mb=grows(300)")
    slow_study(project, "    import time; held = b'x' * 1_500_000_000; time.sleep(20); del held\n")
    done = submit(project, "fig3")
    assert done.returncode == 1
    assert "logs/quick/studies/rings-" in done.stdout
    tried = of_rule(cluster, before, "compute_study")
    assert [job["MinMemoryNode"] for job in tried] == ["300M", "600M", "900M"]
    assert not list(project.folder.glob("results/quick/studies/*.nc"))


def test_a_job_that_exceeds_its_time_gets_more(project, cluster):
    before = cluster.jobs()
    profile = project.folder / "workflow/profiles/slurm/config.yaml"
    assert "else 120)" in profile.read_text()
    profile.write_text(profile.read_text().replace("else 120)", "else 1)"))
    slow_study(project, "    import time; time.sleep(75)\n")
    done = submit(project, "fig3")
    assert done.returncode == 0, done.stdout
    tried = of_rule(cluster, before, "compute_study")
    assert [job["JobState"] for job in tried] == ["TIMEOUT", "COMPLETED"]
    assert [job["TimeLimit"] for job in tried] == ["00:01:00", "00:02:00"]


def test_a_request_for_a_gpu_reaches_the_scheduler(project, cluster):
    before = cluster.jobs()
    done = submit(project, "fig11", options=("--set-resources", "train_networks:gpu=1"))
    assert done.returncode == 0, done.stdout
    (first, *_) = of_rule(cluster, before, "train_networks")
    assert first["TresPerJob"] == "gres:gpu:1"
    others = of_rule(cluster, before, "fetch_dataset")
    assert all("TresPerJob" not in job for job in others)


def test_editing_the_config_while_jobs_wait_changes_nothing(project, local):
    process = project.start(*HERE, "fig9")
    wait_for(lambda: any(project.folder.glob("results/quick/datasets/*.nc")), seconds=120)
    earlier = (project.folder / "config.yaml").read_text()

    def edit(config):  # another seed, and a group of no such size: not even a valid config
        config["presets"]["quick"]["seed"] = 5
        config["presets"]["quick"]["rotations"]["n"] = [-1]

    project.edit(edit)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    (project.folder / "config.yaml").write_text(earlier)
    assert project.results() == local
    assert project.planned("fig9") == {}


@pytest.fixture
def interruptible():
    """Children obey interrupts, even where this process was told to ignore them."""
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, earlier)


@pytest.mark.usefixtures("cluster", "interruptible")
def test_cancelling_and_running_again_loses_nothing(project, local):
    process = project.start(*HERE, "fig9")
    wait_for(lambda: any(project.folder.glob("results/quick/kernels/*.nc")), seconds=240)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode != 0
    queued = subprocess.run(["squeue", "--noheader"], capture_output=True, text=True, check=True)
    assert queued.stdout == ""
    finished = {p: p.stat().st_mtime_ns for p in project.folder.glob("results/quick/*/*.nc")}
    done = submit(project, "fig9")
    assert done.returncode == 0, done.stdout
    assert project.results() == local
    assert {p: p.stat().st_mtime_ns for p in finished} == finished


def test_the_theory_figures_of_the_quick_preset_end_to_end(tmp_path, cluster):
    project = Project(tmp_path / "project")
    done = submit(project, *THEORY)
    assert done.returncode == 0, done.stdout
    assert all((project.folder / f"figures/quick/{name}.pdf").is_file() for name in THEORY)
    assert project.planned(*THEORY) == {}
