"""Whether Slurm is there before jobs are submitted: without it each attempt of each job fails."""

import shutil
import subprocess

from symlearn.errors import SymlearnError

_PLUGIN = "snakemake_executor_plugin_slurm"
_ELSEWHERE = (
    "run Snakemake where jobs are submitted, such as a login node, or without --workflow-profile"
)


def refuse_without_slurm(executor_settings: object) -> None:
    """Raise SymlearnError where Snakemake would submit to Slurm, and Slurm does not answer.

    `executor_settings` are Snakemake's, which tell the executor.
    """
    if type(executor_settings).__module__ != _PLUGIN:
        return
    if shutil.which("sbatch") is None:
        raise SymlearnError(f"there is no Slurm here (no sbatch); {_ELSEWHERE}")
    asked = subprocess.run(["sinfo", "--noheader"], capture_output=True, text=True, check=False)
    if asked.returncode:
        *_, reason = asked.stderr.splitlines() or ["no reason given"]
        raise SymlearnError(f"Slurm does not answer here ({reason}); {_ELSEWHERE}")
