"""`make figures` as people see it: one line on a terminal, Snakemake's own text elsewhere."""

import os
import pty
import subprocess

import pytest

pytestmark = pytest.mark.workflow

# -o env: the environment that runs the tests is there, and none is to be built in the copy.
# `make test` runs this test, and a make within another says which folder it enters.
MAKE = ["make", "--no-print-directory", "-o", "env", "figures"]


def on_a_terminal(project, *arguments):
    """What `make figures` shows on a terminal, each state of a line by itself, and its status."""
    shows, writes = pty.openpty()
    with subprocess.Popen(
        [*MAKE, *arguments],
        cwd=project.folder,
        env={**project.environment, "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=writes,
        stderr=writes,
        start_new_session=True,
    ) as process:
        os.close(writes)
        shown = b"".join(iter(lambda: read(shows), b""))
    os.close(shows)
    return shown.decode().replace("\r\n", "\n").replace("\r\033[K", "\n\r").split("\n"), process


def read(terminal):
    try:
        return os.read(terminal, 10_000)
    except OSError:  # how Linux says that nobody holds the other end
        return b""


def elsewhere(project, *arguments):
    """What `make figures` writes into a pipe."""
    return subprocess.run(
        [*MAKE, *arguments], cwd=project.folder, env=project.environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip


def damage(project):
    (rings,) = project.folder.glob("results/quick/studies/rings-*.nc")
    rings.write_bytes(rings.read_bytes()[:1000])


def test_a_run_is_one_line_and_a_failed_job_is_named_with_its_logs(project):
    shown, process = on_a_terminal(project, "SNAKEMAKE_ARGS=fig2 --cores 1")
    assert process.returncode == 0, shown
    assert "\r0 of 2 jobs, 1 running: compute_study rings" in shown
    assert any(line.startswith("\r1 of 2 jobs, 1 running") for line in shown)
    stays = [line for line in shown if line and not line.startswith("\r")]
    assert [one for one in stays if not one.startswith("Using workflow specific profile")] == []
    *_, last, empty = shown
    assert last.startswith("\r2 of 2 jobs done in ")
    assert last.endswith("; the figures are in figures/quick.")
    assert empty == ""
    assert not any("rule " in line or "Job stats" in line for line in shown)

    damage(project)
    shown, process = on_a_terminal(project, "SNAKEMAKE_ARGS=fig2 --cores 1 --forcerun fig2")
    assert process.returncode == 2, shown  # of make, whatever the status of Snakemake
    at = next(i for i, line in enumerate(shown) if line.startswith("\rfig2 failed: "))
    assert "symlearn figures: error: " in shown[at]
    assert shown[at + 1] == "  its log: logs/quick/figures/fig2.log"
    said = next(line for line in shown if line.startswith("Snakemake's full log: "))
    log = project.folder / said.removeprefix("Snakemake's full log: ")
    assert "Error in rule fig2:" in log.read_text()


def test_in_a_pipe_and_where_it_is_asked_for_snakemake_writes_as_ever(project):
    done = elsewhere(project, "SNAKEMAKE_ARGS=fig2 --cores 1")
    assert done.returncode == 0, done.stdout
    assert "Job stats:" in done.stdout
    assert "\r" not in done.stdout
    for arguments in (["VERBOSE=1", "SNAKEMAKE_ARGS=fig2 --cores 1"], ["SNAKEMAKE_ARGS=-n fig2"]):
        shown, process = on_a_terminal(project, *arguments)
        assert process.returncode == 0, shown
        assert any("Nothing to be done" in line for line in shown)
        assert any("Snakemake version" in line for line in shown)
