"""The training loop of an ensemble: epochs, metrics before the first and on the way."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int

from symlearn.errors import TrainingError
from symlearn.networks.augmentation import Augmentation, augmentation
from symlearn.networks.checkpoints import Checkpoints
from symlearn.networks.ensemble import Ensemble
from symlearn.networks.evaluation import Offsets, evaluate, losses, predictions
from symlearn.networks.invariance import invariance_loss, poses
from symlearn.networks.problems import Problem
from symlearn.progress import progress
from symlearn.randomness import seed_of

# Metrics by name, for each member and recorded epoch; epoch 0 is before training.
History = dict[str, Float[torch.Tensor, "member epoch"]]


def recorded_epochs(recipe: Mapping[str, Any]) -> list[int]:
    """The epochs after which metrics are measured, 0 and the last among them.

    All of them, or the recipe's number of `records`, evenly spaced: where an epoch is a few steps,
    passes through all points after each would cost more than the training.
    """
    epochs = recipe["epochs"]
    times = min(recipe.get("records", epochs), epochs)
    return [round(epochs * number / times) for number in range(times + 1)]


class Run:
    """The training of one ensemble on one problem, an epoch at a time.

    All that an epoch changes is in `state()`, so a run that is taken up again from there ends
    with the same bytes (on one machine, on the CPU).
    """

    def __init__(
        self,
        ensemble: Ensemble,
        problem: Problem,
        recipe: Mapping[str, Any],
        names: Sequence[tuple[str | int, ...]],
        seed: int,
    ):
        """`recipe` is the spec's; `names` tell the members' random streams apart under `seed`.

        Beside what the optimiser needs a recipe may have: `schedule` (a name in `_SCHEDULES`),
        `augmentation` (an entry of `augmentation`), `invariance` (a `group`, its `n` and the
        `strength` of the invariance loss), `records` (see `recorded_epochs`) and `snapshots`
        (epochs whose weights are kept). `precision` and `layout` are the ensemble's
        (`symlearn.networks.alone`).
        """
        self.ensemble = ensemble
        self.problem = problem
        self.recipe = recipe
        self.epoch = 0
        self.history: History = {}
        self._recorded = frozenset(recorded_epochs(recipe))
        self._orders = [_generator("cpu", seed, "order", *name) for name in names]
        self._masks = [_generator(ensemble.device, seed, "dropout", *name) for name in names]
        self._moves = [_generator("cpu", seed, "augmentation", *name) for name in names]
        self._poses = [_generator("cpu", seed, "poses", *name) for name in names]
        self._augment = _augmentation(recipe.get("augmentation"), problem)
        self._invariance = recipe.get("invariance")
        self._move = _augmentation(self._invariance and poses(self._invariance), problem)
        self._optimizer = _optimizer(recipe, list(ensemble.parameters.values()))
        self.snapshots: dict[str, torch.Tensor] = {}
        self._offsets = _initial_outputs(ensemble, problem) if recipe["centred"] else None

    def train(self, checkpoints: Checkpoints | None = None, *, quiet: bool = False) -> History:
        """Train what is left of the recipe's epochs; returns the history of all of them.

        Goes on from the newest of the `checkpoints`, and keeps more there. Raises TrainingError
        where a loss is no longer finite.
        """
        if checkpoints is not None:
            checkpoints.resume(self)
        if not self.history:
            self._record()
            self._keep_weights()
        epochs = range(self.epoch, self.recipe["epochs"])
        for _ in progress(epochs, "epochs", quiet=quiet):
            self._one_epoch()
            self.epoch += 1
            if self.epoch in self._recorded:
                self._record()
            self._keep_weights()
            if checkpoints is not None:
                checkpoints.keep(self, last=self.epoch == self.recipe["epochs"])
        return self.history

    def state(self) -> dict[str, torch.Tensor]:
        """Everything that the next epoch depends on, and the history, as named tensors."""
        optimizer = {
            f"{number}.{key}": value
            for number, entries in self._optimizer.state_dict()["state"].items()
            for key, value in entries.items()
        }
        groups = {
            "network": self.ensemble.state(),
            "optimizer": optimizer,
            "order": {str(i): g.get_state() for i, g in enumerate(self._orders)},
            "dropout": {str(i): g.get_state() for i, g in enumerate(self._masks)},
            "augmentation": {str(i): g.get_state() for i, g in enumerate(self._moves)},
            "poses": {str(i): g.get_state() for i, g in enumerate(self._poses)},
            "snapshot": self.snapshots,
            "history": self.history,
        }
        return {f"{group}/{key}": v for group, named in groups.items() for key, v in named.items()}

    def load(self, state: Mapping[str, torch.Tensor], epoch: int) -> None:
        """Go back to a state, after `epoch` epochs."""
        groups: dict[str, dict[str, torch.Tensor]] = {}
        for name, value in state.items():
            group, key = name.split("/", 1)
            groups.setdefault(group, {})[key] = value
        self.ensemble.load(groups["network"])
        parameters = list(self.ensemble.parameters.values())
        entries: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in groups.get("optimizer", {}).items():
            number, key = name.split(".", 1)
            here = _laid_out_as(parameters[int(number)], value)
            entries.setdefault(int(number), {})[key] = here
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": entries})
        streams = {
            "order": self._orders,
            "dropout": self._masks,
            "augmentation": self._moves,
            "poses": self._poses,
        }
        for group, generators in streams.items():
            for member, generator in enumerate(generators):
                generator.set_state(groups[group][str(member)])
        self.snapshots = groups.get("snapshot", {})
        self.history = groups["history"]
        self.epoch = epoch

    def _one_epoch(self) -> None:
        order = torch.stack([self._order(member) for member in range(self.problem.members)])
        for step, points in enumerate(order.to(self.ensemble.device).unbind(dim=1)):
            self._set_rate(step)
            images = self.problem.images(points)
            if self._augment is not None:
                images = self._augment(images, self._moves)
            outputs = self.ensemble.training_outputs(self.problem.seen(images), self._masks)
            if self._offsets is not None:
                outputs = outputs - self._offsets.gather(1, points)[..., None]
            loss = losses(outputs, self.problem.targets[points], self.problem.loss)
            if self._invariance is not None and self._move is not None:
                moved = self.problem.seen(self._move(images, self._poses))
                others = self.ensemble.training_outputs(moved, self._masks)
                loss = loss + invariance_loss(outputs, others, self._invariance["strength"])
            self._optimizer.zero_grad()
            # The sum over members leaves each its own gradient.
            loss.mean(dim=1).sum().backward()
            self._optimizer.step()
        self._check(loss.detach().mean(dim=1), f"in epoch {self.epoch + 1}")

    def _set_rate(self, step: int) -> None:
        schedule = self.recipe.get("schedule")
        if schedule is None:
            return
        factor = _SCHEDULES[schedule](
            (self.epoch + step / self.problem.steps) / self.recipe["epochs"]
        )
        for group in self._optimizer.param_groups:
            group["lr"] = self.recipe["learning_rate"] * factor

    def _keep_weights(self) -> None:
        if self.epoch in self.recipe.get("snapshots", ()):
            for name, value in self.ensemble.state().items():
                self.snapshots[f"epoch{self.epoch}/{name}"] = value.cpu().clone()

    def _order(self, member: int) -> Int[torch.Tensor, "step batch"]:
        """The points of a member's next epoch, step by step."""
        items, batch, steps = self.problem.train[member], self.problem.batch, self.problem.steps
        if batch == len(items):
            return items.to(torch.int64).expand(steps, batch)
        shuffled = torch.randperm(len(items), generator=self._orders[member])
        return items[shuffled[: steps * batch]].to(torch.int64).reshape(steps, batch)

    def _record(self) -> None:
        for name, lists in self.problem.tests.items():
            loss, accuracy = evaluate(self.ensemble, self.problem, lists, self._offsets)
            self._check(loss, f"after epoch {self.epoch}")
            for quantity, values in (("loss", loss), ("accuracy", accuracy)):
                column = values[:, None]
                before = self.history.get(f"{name}_{quantity}")
                joined = column if before is None else torch.cat([before, column], dim=1)
                self.history[f"{name}_{quantity}"] = joined

    @staticmethod
    def _check(loss: Float[torch.Tensor, " member"], when: str) -> None:
        if not loss.isfinite().all():
            member = int((~loss.isfinite()).nonzero()[0])
            raise TrainingError(
                f"the loss of network {member} is {loss[member]} {when}; lower the learning rate"
            )


def _cosine(done: float) -> float:
    """Half a cosine, down to zero."""
    return 0.5 * (1 + math.cos(math.pi * done))


_RISE = 0.2  # of the training


def _one_cycle(done: float) -> float:
    """Up from a twentieth in a straight line, then down to zero in another."""
    if done < _RISE:
        return 0.05 + 0.95 * done / _RISE
    return (1 - done) / (1 - _RISE)


# The learning rate over the recipe's, of the share of the training that is done.
_SCHEDULES: Mapping[str, Callable[[float], float]] = {"cosine": _cosine, "one-cycle": _one_cycle}


def _laid_out_as(parameter: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """A moment in the layout of its parameter, which the fused optimisers take for granted."""
    if value.shape != parameter.shape:
        return value
    return torch.empty_like(parameter, requires_grad=False).copy_(value)


def _optimizer(recipe: Mapping[str, Any], parameters: list[torch.nn.Parameter]) -> Any:
    fused = parameters[0].device.type in ("cpu", "cuda")
    rate = recipe["learning_rate"]
    if recipe["optimizer"] == "adam":
        betas, decay = tuple(recipe["betas"]), recipe["weight_decay"]
        return torch.optim.AdamW(parameters, rate, betas, weight_decay=decay, fused=fused)
    decay = recipe.get("weight_decay", 0.0)
    return torch.optim.SGD(
        parameters, rate, momentum=recipe["momentum"], weight_decay=decay, fused=fused
    )


def _augmentation(entry: Mapping[str, Any] | None, problem: Problem) -> Augmentation | None:
    return None if entry is None else augmentation(entry, problem.shape)


def _initial_outputs(ensemble: Ensemble, problem: Problem) -> Offsets:
    """The members' outputs at their own points before training; 0 at all others."""
    offsets = torch.zeros(problem.members, len(problem.targets), dtype=ensemble.dtype)
    offsets = offsets.to(ensemble.device)
    for lists in (problem.train, *problem.tests.values()):
        points = torch.stack(list(lists)).to(ensemble.device, torch.int64)
        offsets.scatter_(1, points, predictions(ensemble, problem, points)[..., 0])
    return offsets


def _generator(device: torch.device | str, seed: int, *names: str | int) -> torch.Generator:
    return torch.Generator(device).manual_seed(seed_of(seed, *names))
