"""Training: ensembles and figure 1's networks against plain loops and the floor."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
import xarray as xr
from common import blobs, machine
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.flop_counter import FlopCounterMode

from symlearn.datasets.orbits import rotation_orbits
from symlearn.menu.kinds import STANDARD
from symlearn.menu.networks import standard_entry
from symlearn.networks import on_orbits
from symlearn.networks.build import build
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

    def flops(self) -> float:
        """Of one network's training step, for each image: the products that it really does.

        Two passes' worth for the first layer, whose images need no gradient, and three for others.
        """
        run = run_of(self.alone(), [0])
        with FlopCounterMode(display=False) as counted:
            run._one_epoch()
        return counted.get_total_flops() / (self.problem.steps * self.problem.batch)

    def alone(self) -> "Case":
        """The first of the networks by itself."""
        return Case(self.entry, self.problem.only(slice(0, 1)))


def main() -> None:
    """Print the ratios and the share of the matrix products' own speed."""
    torch.set_num_threads(thread_count())
    print(f"{machine()}, torch {torch.__version__}")
    ceiling = product_speed()
    print(f"matrix products: {ceiling / 1e9:.0f} GFLOP/s")
    cases: dict[str, Callable[[], Case]] = {
        **{f"pairs, {side} x {side} pixels": partial(pairs_case, side) for side in (12, 28)},
        "figure 6's ten classes": classes_case,
        **{
            f"{name}, {batch} images a step": partial(figure_1_case, name, batch)
            for batch, transformer in ((64, "vit-48"), (2048, "vit"))  # quick's, and paper's
            for name in ("mlp", "cnn", transformer)
        },
    }
    # Before this process sets up its memory and its operations as the stage does.
    usual = [plain_loop(make()) for make in cases.values()]
    choose_device("cpu")
    for (name, make), plain in zip(cases.items(), usual, strict=True):
        case = make()
        took = per_image(case)
        share = 100 * case.flops() / took / ceiling
        compared = ensemble if case.problem.members > 1 else network
        print(f"{name}: {compared(case, took, plain)}; {share:.0f} % of the products' speed")


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


def classes_case() -> Case:
    """Figure 6's networks for ten classes at the paper's batch: 13 orbits of each."""
    orbits = rotation_orbits(blobs(130), POSES)[None]
    data = xr.Dataset(
        {
            "pixels": (("task", "orbit", "pose", "row", "col"), orbits),
            "class_": (("task", "orbit"), np.repeat(np.arange(10), 13)[None]),
        }
    )
    spec = {"problem": {"left_out": range(10)}, "recipe": {"batch": 512}}
    return Case(standard_entry("mlp"), on_orbits.classes(data, spec).to(CPU, torch.float32))


def figure_1_case(name: str, batch: int) -> Case:
    """One network of figure 1 on 28 x 28 pixels."""
    images = max(2 * batch, 1280)
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


def ensemble(case: Case, took: float, plain: float) -> str:
    """Networks trained as one against one at a time, and against the loop with a DataLoader."""
    batch = case.problem.batch
    step, single = took * batch, per_image(case.alone()) * batch
    return (
        f"{1e6 * step:.0f} us for a network's step; one at a time {single / step:.1f} times as "
        f"long, a loop with a DataLoader {plain / step:.1f} times"
    )


def network(case: Case, took: float, plain: float) -> str:
    """Images a second, of ours and of the loop with a DataLoader."""
    batch = case.problem.batch
    return f"{1 / took:.0f} images/s, a loop with a DataLoader {batch / plain:.0f}"


def per_image(case: Case) -> float:
    """Seconds that one network takes for one image, of all networks trained as one."""
    problem = case.problem
    run = run_of(case, range(problem.members))
    return best(run._one_epoch) / (problem.members * problem.steps * problem.batch)


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
