"""The profile for any cluster, with a scheduler of a few lines in place of Grid Engine."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .project import ROOT, submits

PROFILE = Path("workflow/profiles/cluster-generic")
SNAKEFILE = """
rule all:
    input: "good.txt", "killed.txt"
    localrule: True

rule good:
    output: "good.txt"
    shell: "echo > {output}"

rule killed:
    output: "killed.txt"
    shell: "touch kill; sleep 30; echo > {output}"
"""
# A job is a session of its own: killed as a whole once it has made the file `kill`, as for its
# memory; then its exit status is known, and it is in the queue no more.
FAKES = {
    "qsub": """
for script; do :; done
job=$(mktemp -u "$JOBS/XXXXXX")
: > "$job.queued"
(
    setsid sh "$script" & pid=$!
    if [ -z "${script##*snakejob.killed.*}" ]; then
        until [ -e kill ]; do sleep 0.2; done
        kill -9 -$pid
    fi
    wait $pid
    echo $? > "$job.status"
    rm "$job.queued"
) > /dev/null 2>&1 &
basename "$job"
""",
    "qstat": """
[ -z "$NO_ANSWER" ] || exit 1
echo "job-ID prior name user state submit"
for job in "$JOBS"/*.queued; do
    [ -e "$job" ] && echo "$(basename "$job" .queued) 0.5 snakejob me ${STATE:-r} today"
done
true
""",
    "qacct": """
[ -e "$JOBS/$2.status" ] || { echo "error: job id $2 not found" >&2; exit 1; }
read -r status < "$JOBS/$2.status"
printf 'jobnumber    %s\\nfailed       0\\nexit_status  %s\\n' "$2" "$status"
""",
    "qdel": "true",
}


@pytest.fixture
def scheduler(tmp_path):
    """The environment in which the fakes are found; jobs are files in $JOBS."""
    for name, text in FAKES.items():
        fake = tmp_path / "bin" / name
        fake.parent.mkdir(exist_ok=True)
        fake.write_text(f"#!/bin/sh\n{text}")
        fake.chmod(0o755)
    (tmp_path / "jobs").mkdir()
    path = [str(tmp_path / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
    return {**os.environ, "PATH": os.pathsep.join(path), "JOBS": str(tmp_path / "jobs")}


@pytest.mark.workflow
@pytest.mark.slow
@submits
def test_a_job_that_the_scheduler_kills_ends_the_run_with_an_error(tmp_path, scheduler):
    folder = tmp_path / "work"
    shutil.copytree(ROOT / PROFILE, folder / PROFILE)
    (folder / "Snakefile").write_text(SNAKEFILE)
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--workflow-profile", PROFILE, "--retries", "0"],
        cwd=folder, env=scheduler, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "Error in rule killed" in done.stderr
    assert (folder / "good.txt").exists()
    assert not (folder / "killed.txt").exists()


def status(folder, environment, job="7"):
    """What the profile's command says of a job."""
    command = ["sh", str(ROOT / PROFILE / "status.sh"), job]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("state", "expected"), [("r", "running"), ("qw", "running"), ("Eqw", "failed")]
)
def test_a_job_in_the_queue_is_running_unless_in_error(tmp_path, scheduler, state, expected):
    (tmp_path / "jobs/7.queued").touch()
    assert status(tmp_path, {**scheduler, "STATE": state}).stdout == f"{expected}\n"


@pytest.mark.parametrize(
    ("code", "expected"), [("0", "success"), ("1", "failed"), ("137", "failed")]
)
def test_a_job_that_has_ended_is_judged_by_its_exit_status(tmp_path, scheduler, code, expected):
    (tmp_path / "jobs/7.status").write_text(f"{code}\n")
    assert status(tmp_path, scheduler).stdout == f"{expected}\n"


def test_a_job_that_nothing_knows_has_failed_after_a_minute(tmp_path, scheduler):
    assert status(tmp_path, scheduler).stdout == "running\n"
    gone = tmp_path / "logs/cluster/7.gone"
    earlier = time.time() - 130
    os.utime(gone, (earlier, earlier))
    assert status(tmp_path, scheduler).stdout == "failed\n"


def test_a_scheduler_that_does_not_answer_is_asked_again(tmp_path, scheduler):
    assert status(tmp_path, {**scheduler, "NO_ANSWER": "1"}).stdout == "running\n"


def test_without_the_scheduler_the_command_says_what_to_do(tmp_path):
    for name in ("sh", "awk"):
        (tmp_path / name).symlink_to(shutil.which(name))
    done = status(tmp_path, {"PATH": str(tmp_path)})
    assert done.returncode == 1
    assert "no qstat here; put your scheduler's commands in its place" in done.stderr
