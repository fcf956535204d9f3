"""Training: ensembles of pairs and figure 1's networks against plain loops and the floor."""

import functools
import time
from collections.abc import Callable

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


def main() -> None:
    """Print the ratios and the share of the matrix products' own speed."""
    torch.set_num_threads(thread_count())
    print(f"{machine()}, torch {torch.__version__}")
    ceiling = product_speed()
    print(f"matrix products: {ceiling / 1e9:.0f} GFLOP/s")
    for side in (12, 28):
        pairs(side, ceiling)
    for name in ("mlp", "cnn", "vit-48"):
        figure_1(name, ceiling)


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


def pairs(side: int, ceiling: float) -> None:
    """Full-batch Adam on pairs: an ensemble, one at a time, and a loop with a DataLoader."""
    images = blobs(NETWORKS)[:, :side, :side]
    orbits = rotation_orbits(images, POSES).reshape(NETWORKS // 2, 2, POSES, side, side)
    dims = ("task", "orbit", "pose", "row", "col")
    entry = {"kind": "ntk", "architecture": STANDARD["mlp-1"], "width": WIDTH}
    spec = {
        "network": entry, "recipe": ADAM,
        "problem": {"in_coordinates": False, "seeds": 1, "steps": STEPS},
    }  # fmt: skip
    problem = on_orbits.pairs(xr.Dataset({"pixels": (dims, orbits)}), spec)
    problem = problem.to(CPU, torch.float32)
    make = functools.partial(build, entry, problem.shape, 1)
    together = run_of(problem, make, range(NETWORKS))
    alone = run_of(problem.only(slice(0, 1)), make, [0])
    ensemble = best(together._one_epoch) / (NETWORKS * STEPS)
    single = best(alone._one_epoch) / STEPS
    plain = plain_loop(make(0), problem, STEPS)
    flops = 6 * network_cost(entry, problem.shape).multiplications * problem.batch
    share = 100 * flops / ensemble / ceiling
    print(
        f"pairs, {side} x {side} pixels: {1e6 * ensemble:.0f} us for a network's step; one at a "
        f"time {single / ensemble:.1f} times as long, a loop with a DataLoader "
        f"{plain / ensemble:.1f} times; {share:.0f} % of the products' speed"
    )


def run_of(problem: Problem, make: Callable[[int], nn.Module], seeds: object) -> Run:
    """A run of networks from seeds."""
    seeds = list(seeds)  # type: ignore[call-overload]
    return Run(build_ensemble(make, seeds, CPU), problem, ADAM, [(seed,) for seed in seeds], 0)


def plain_loop(network: nn.Module, problem: Problem, steps: int) -> float:
    """Seconds for a step of the usual loop: one network, a DataLoader, Adam, one batch an epoch."""
    points = problem.train[0].long()[None]
    images, targets = problem.images(points)[0], problem.targets[points][0]
    loader = DataLoader(TensorDataset(images, targets), batch_size=problem.batch, shuffle=True)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)

    def epochs() -> None:
        count = 0
        while count < steps:
            for batch, wanted in loader:
                optimizer.zero_grad()
                output = network(batch)[None]
                losses(output, wanted[None], problem.loss).mean().backward()
                optimizer.step()
                count += 1

    return best(epochs) / steps


def figure_1(name: str, ceiling: float, batch: int = 64, images: int = 1280) -> None:
    """Images a second of one network of figure 1 on 28 x 28 pixels, against the same loop."""
    entry, rng = standard_entry(name), np.random.default_rng(0)
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
    make = functools.partial(build, entry, problem.shape, 10)
    ours = best(run_of(problem, make, [0])._one_epoch) / images
    network = make(0).eval()  # so that dropout, whose masks the ensemble draws, needs none
    plain = plain_loop(network, problem, problem.steps) / batch
    flops = 6 * network_cost(entry, problem.shape).multiplications
    print(
        f"{name}: {1 / ours:.0f} images/s, a loop with a DataLoader {1 / plain:.0f}; "
        f"{100 * flops / ours / ceiling:.0f} % of the products' speed"
    )


if __name__ == "__main__":
    main()
