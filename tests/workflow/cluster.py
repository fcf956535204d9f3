"""A real Slurm of one node on localhost, for the time of the tests.

Needs root and the packages slurm-wlm and munge. The node declares more processors and GPUs than
there are; GPUs are terminals, so that a request can be scheduled and no card is needed. Without
accounting and control groups: memory is watched by sampling, and states are asked of squeue.
As a script it runs a job on one, and says in its exit status whether this machine can.
"""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
_ETC = Path("/etc/slurm")
_SOCKET = Path("/run/munge/munge.socket.2")
_GPUS = 2
_SETTINGS = {
    "ClusterName": "test",
    "SlurmctldHost": "{host}(127.0.0.1)",
    "SlurmctldPort": "16817",
    "SlurmdPort": "16818",
    "CommunicationParameters": "NoInAddrAny,NoCtldInAddrAny",
    "SlurmUser": "root",
    "SlurmdUser": "root",
    "AuthType": "auth/munge",
    "CryptoType": "crypto/munge",
    "MpiDefault": "none",
    "ProctrackType": "proctrack/linuxproc",
    "TaskPlugin": "task/none",
    # The memory of a job is sampled, and one that has too much is killed.
    "JobAcctGatherType": "jobacct_gather/linux",
    "JobAcctGatherFrequency": "task=1",
    "JobAcctGatherParams": "OverMemoryKill,UsePss",
    "SlurmdParameters": "config_overrides",
    "SelectType": "select/cons_tres",
    "SelectTypeParameters": "CR_Core_Memory",
    "SchedulerParameters": "sched_interval=2,bf_interval=2",
    "GresTypes": "gpu",
    "EnforcePartLimits": "ALL",
    # What has ended stays to be asked for; Snakemake polls, and the tests look at it.
    "MinJobAge": "3600",
    "KillWait": "2",
    "ReturnToService": "2",
    "StateSaveLocation": "{folder}/state",
    "SlurmdSpoolDir": "{folder}/spool",
    "SlurmctldPidFile": "{folder}/slurmctld.pid",
    "SlurmdPidFile": "{folder}/slurmd.pid",
    "SlurmctldLogFile": "{folder}/slurmctld.log",
    "SlurmdLogFile": "{folder}/slurmd.log",
    "AccountingStorageType": "accounting_storage/none",
}
_NODE = (
    "NodeName=node1 NodeHostname={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=16000 "
    f"Gres=gpu:{_GPUS} State=UNKNOWN\n"
    "PartitionName=main Nodes=node1 Default=YES MaxTime=INFINITE State=UP\n"
)


def missing() -> list[str]:
    """What a machine lacks to run the cluster."""
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin"])
    absent = [name for name in NEEDED if shutil.which(name, path=path) is None]
    return absent if os.getuid() == 0 else ["root", *absent]


class Cluster:
    """The daemons, from `start` to `stop`; `folder` keeps their state and logs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._daemons: list[subprocess.Popen[bytes]] = []
        self._links: list[Path] = []

    def start(self) -> None:
        """Bring munge, the controller and the node up; raises RuntimeError if one does not."""
        if any((_ETC / name).exists() for name in ("slurm.conf", "gres.conf")):
            raise RuntimeError(f"{_ETC} has a configuration: this machine has a Slurm of its own")
        for name in ("state", "spool", "munge"):
            (self.folder / name).mkdir(mode=0o700)
        self._configure()
        key = self.folder / "munge/key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        _SOCKET.parent.mkdir(mode=0o755, exist_ok=True)
        self._daemon(
            "munged", "--foreground", "--force", f"--key-file={key}", f"--socket={_SOCKET}",
            f"--pid-file={self.folder}/munged.pid", f"--seed-file={self.folder}/munge/seed",
            f"--log-file={self.folder}/munged.log",
        )  # fmt: skip
        self._wait_for(["munge", "--no-input"], "")
        self._daemon("slurmctld", "-D", "-i")
        self._wait_for(["scontrol", "ping"], "UP")
        self._daemon("slurmd", "-D", "-N", "node1")
        self._wait_for(["sinfo", "--noheader", "--format=%T"], "idle")

    def stop(self) -> None:
        """End all jobs and daemons, and take the configuration away."""
        if self._daemons:
            subprocess.run(["scancel", "--user=root"], capture_output=True, check=False, timeout=20)
        for daemon in reversed(self._daemons):
            daemon.terminate()
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()
        for link in self._links:
            link.unlink()

    def jobs(self) -> list[dict[str, str]]:
        """What the controller knows of every job, running or ended."""
        shown = subprocess.run(
            ["scontrol", "--oneliner", "show", "jobs"], capture_output=True, text=True, check=True
        ).stdout
        lines = [line for line in shown.splitlines() if line.startswith("JobId=")]
        return [dict(part.split("=", 1) for part in line.split() if "=" in part) for line in lines]

    def _configure(self) -> None:
        names = {"host": socket.gethostname().split(".")[0], "folder": str(self.folder)}
        settings = "".join(f"{key}={value}\n" for key, value in _SETTINGS.items())
        gpus = "".join(f"Name=gpu File=/dev/tty{number}\n" for number in range(_GPUS))
        _ETC.mkdir(exist_ok=True)
        for name, content in (("slurm.conf", (settings + _NODE).format(**names)),
                              ("gres.conf", gpus)):  # fmt: skip
            (self.folder / name).write_text(content)
            # Jobs look nowhere else: Snakemake's plugin clears SLURM_CONF.
            (_ETC / name).symlink_to(self.folder / name)
            self._links.append(_ETC / name)

    def _daemon(self, name: str, *arguments: str) -> None:
        path = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"]))
        assert path is not None
        with (self.folder / f"{name}.out").open("w") as out:
            self._daemons.append(subprocess.Popen([path, *arguments], stdout=out, stderr=out))

    def _wait_for(self, command: Sequence[str], expected: str) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end and self._daemons[-1].poll() is None:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
            if done.returncode == 0 and expected in done.stdout:
                return
            time.sleep(0.2)
        raise RuntimeError(f"{self._daemons[-1].args} did not come up; see {self.folder}")


def main() -> int:
    """Whether a cluster starts here and runs a job: 0, or 1 and the reason."""
    if missing():
        print(f"no Slurm here: needs {', '.join(missing())}")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(Path(folder))
        try:
            cluster.start()
            subprocess.run(["srun", "true"], check=True, timeout=60)
        except (RuntimeError, subprocess.SubprocessError) as error:
            print(f"no Slurm here: {error}")
            return 1
        finally:
            cluster.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
