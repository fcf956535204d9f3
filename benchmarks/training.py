"""Training: ensembles of pairs and figure 1's networks against plain loops and the floor."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr
from common import blobs, machine
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from symlearn.architectures import STANDARD
from symlearn.datasets.orbits import rotation_orbits
from symlearn.forecast.training import network_cost
from symlearn.networks import on_orbits
from symlearn.networks.build import build
from symlearn.networks.catalogue import standard_entry
from symlearn.networks.devices import choose_device
from symlearn.networks.ensemble import build_ensemble
from symlearn.networks.evaluation import losses
from symlearn.networks.problems import Problem
from symlearn.networks.training import Run
from symlearn.threads import thread_count

CPU = torch.device("cpu")
POSES, WIDTH, NETWORKS, STEPS = 8, 512, 64, 40
ADAM = {
    "optimizer": "adam", "learning_rate": 1e-3, "betas": [0.9, 0.999], "weight_decay": 0.0,
    "epochs": 1, "centred": False,
}  # fmt: skip


@dataclass
class Case:
    """What is trained, and on what."""

    entry: Mapping[str, Any]
    problem: Problem

    def make(self, seed: int) -> nn.Module:
        """The network from a seed."""
        return build(self.entry, self.problem.shape, self.problem.outputs, seed)

    @property
    def flops(self) -> int:
        """Of a training step, for each image of the batch."""
        return 6 * network_cost(self.entry, self.problem.shape).multiplications


def main() -> None:
    """Print the ratios and the share of the matrix products' own speed."""
    torch.set_num_threads(thread_count())
    print(f"{machine()}, torch {torch.__version__}")
    ceiling = product_speed()
    print(f"matrix products: {ceiling / 1e9:.0f} GFLOP/s")
    cases: list[tuple[Callable[..., None], Callable[..., Case], int | str]] = [
        *((pairs, pairs_case, side) for side in (12, 28)),
        *((figure_1, figure_1_case, name) for name in ("mlp", "cnn", "vit-48")),
    ]
    # Before this process sets up its memory and its operations as the stage does.
    usual = [plain_loop(case(which)) for _, case, which in cases]
    choose_device("cpu")
    for (report, case, which), plain in zip(cases, usual, strict=True):
        report(which, case(which), plain, ceiling)


def product_speed() -> float:
    """Floating-point operations a second of a large matrix product."""
    a = torch.rand(1024, 1024)
    return 2 * 1024**3 / best(lambda: a @ a, 5)


def best(action: Callable[[], object], repeats: int = 3) -> float:
    """The shortest wall time of several runs, the first not counted."""
    action()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def pairs_case(side: int) -> Case:
    """Full-batch Adam on pairs of orbits of images of a side."""
    images = blobs(NETWORKS)[:, :side, :side]
    orbits = rotation_orbits(images, POSES).reshape(NETWORKS // 2, 2, POSES, side, side)
    dims = ("task", "orbit", "pose", "row", "col")
    spec = {"problem": {"in_coordinates": False, "seeds": 1, "steps": STEPS}}
    problem = on_orbits.pairs(xr.Dataset({"pixels": (dims, orbits)}), spec)
    entry = {"kind": "ntk", "architecture": STANDARD["mlp-1"], "width": WIDTH}
    return Case(entry, problem.to(CPU, torch.float32))


def pairs(side: int, case: Case, plain: float, ceiling: float) -> None:
    """Report on an ensemble, one network at a time, and the loop with a DataLoader."""
    problem = case.problem
    ensemble = best(run_of(case, range(NETWORKS))._one_epoch) / (NETWORKS * STEPS)
    alone = Case(case.entry, problem.only(slice(0, 1)))
    single = best(run_of(alone, [0])._one_epoch) / STEPS
    share = 100 * case.flops * problem.batch / ensemble / ceiling
    print(
        f"pairs, {side} x {side} pixels: {1e6 * ensemble:.0f} us for a network's step; one at a "
        f"time {single / ensemble:.1f} times as long, a loop with a DataLoader "
        f"{plain / ensemble:.1f} times; {share:.0f} % of the products' speed"
    )


def figure_1_case(name: str, batch: int = 64, images: int = 1280) -> Case:
    """One network of figure 1 on 28 x 28 pixels."""
    rng = np.random.default_rng(0)
    problem = Problem(
        pixels=torch.from_numpy(rng.random((images, 1, 28, 28), dtype=np.float32)),
        scale=None,
        targets=torch.from_numpy(rng.integers(10, size=images)),
        train=[torch.arange(images)],
        tests={},
        loss="cross-entropy",
        outputs=10,
        batch=batch,
        steps=images // batch,
    )
    return Case(standard_entry(name), problem)


def figure_1(name: str, case: Case, plain: float, ceiling: float) -> None:
    """Report on images a second, of ours and of the loop with a DataLoader."""
    problem = case.problem
    ours = best(run_of(case, [0])._one_epoch) / (problem.steps * problem.batch)
    print(
        f"{name}: {1 / ours:.0f} images/s, a loop with a DataLoader {problem.batch / plain:.0f}; "
        f"{100 * case.flops / ours / ceiling:.0f} % of the products' speed"
    )


def run_of(case: Case, seeds: Iterable[int]) -> Run:
    """A run of networks from seeds."""
    seeds = list(seeds)
    ensemble = build_ensemble(case.make, seeds, CPU)
    return Run(ensemble, case.problem, ADAM, [(seed,) for seed in seeds], 0)


def plain_loop(case: Case) -> float:
    """Seconds for a step of the usual loop: one network, a DataLoader, Adam."""
    problem, network = case.problem, case.make(0).eval()  # without dropout's masks
    points = problem.train[0].long()[None]
    images, targets = problem.images(points)[0], problem.targets[points][0]
    loader = DataLoader(TensorDataset(images, targets), batch_size=problem.batch, shuffle=True)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)

    def epochs() -> None:
        count = 0
        while count < problem.steps:
            for batch, wanted in loader:
                optimizer.zero_grad()
                output = network(batch)[None]
                losses(output, wanted[None], problem.loss).mean().backward()
                optimizer.step()
                count += 1

    return best(epochs) / problem.steps


if __name__ == "__main__":
    main()
