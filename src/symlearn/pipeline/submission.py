"""Whether jobs can be submitted, before the first is: else each attempt of each job fails."""

import shutil
import subprocess
import sys

from symlearn.errors import SymlearnError

_PLUGIN = "snakemake_executor_plugin_slurm"
_SUBMITTING = (_PLUGIN, "snakemake_executor_plugin_cluster_generic")
_ELSEWHERE = (
    "run Snakemake where jobs are submitted, such as a login node, or without --workflow-profile"
)


def taken_apart(path: str) -> bool:
    """Whether a shell takes a path apart that is not quoted."""
    return not set(path).isdisjoint(" \t'\"\\")


def refuse_vain_submission(executor_settings: object) -> None:
    """Raise SymlearnError where Snakemake would submit jobs that could not start.

    That is to Slurm, where Slurm does not answer; and to any scheduler from an environment whose
    path a shell takes apart, since Snakemake does not quote it in the jobs' scripts.
    `executor_settings` are Snakemake's, which tell the executor.
    """
    executor = type(executor_settings).__module__
    if executor in _SUBMITTING and taken_apart(sys.executable):
        raise SymlearnError(
            f"submitted jobs would not find {sys.executable}, whose path Snakemake does not quote; "
            "put the environment into a folder without blanks and quotes in its name"
        )
    if executor != _PLUGIN:
        return
    if shutil.which("sbatch") is None:
        raise SymlearnError(f"there is no Slurm here (no sbatch); {_ELSEWHERE}")
    asked = subprocess.run(["sinfo", "--noheader"], capture_output=True, text=True, check=False)
    if asked.returncode:
        *_, reason = asked.stderr.splitlines() or ["no reason given"]
        raise SymlearnError(f"Slurm does not answer here ({reason}); {_ELSEWHERE}")
