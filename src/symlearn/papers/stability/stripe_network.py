"""The network of the stripe and cylinder models: one hidden layer under gradient flow.

f(x) = (sqrt(2) / h) sum_n beta_n relu(omega_n . x / sqrt(d) + b_n), all parameters normal at the
start, and the predictor F = alpha (f - f_0). A small alpha makes the network learn features, a
large one is lazy: then double precision is needed, as F is alpha times a small difference. See
docs/science/stability.md#the-stripe-network-and-its-regimes.
"""

import math
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch
from jaxtyping import Float

_BEGUN = 0.1  # share of the points that have their margin at t*

Points = Float[torch.Tensor, "point coordinate"]
Inputs = Float[torch.Tensor, "point input"]
Values = Float[torch.Tensor, " point"]
Hidden = Float[torch.Tensor, "point unit"]
# The units' weights, then their bias, then their amplitude beta.
Parameters = Float[torch.Tensor, "unit parameter"]


@dataclass(frozen=True)
class OneHiddenLayer:
    """The network, as the parameters of its units."""

    parameters: Parameters

    @classmethod
    def initial(
        cls,
        dimension: int,
        width: int,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float64,
    ) -> "OneHiddenLayer":
        """All parameters normal; drawn in double precision."""
        shape = (width, dimension + 2)
        return cls(torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype))

    def hidden(self, inputs: Inputs) -> Hidden:
        """Activations of the units."""
        return (inputs @ self.parameters[:, :-1].T).relu_()

    def read_out(self, hidden: Hidden) -> Values:
        """The output from the activations."""
        return (hidden @ self.parameters[:, -1]).mul_(math.sqrt(2) / len(self.parameters))

    def output(self, points: Points, batch: int = 2000) -> Values:
        """f(x), a batch of points at a time."""
        parts = with_bias(points).split(batch)
        return torch.cat([self.read_out(self.hidden(part)) for part in parts])

    def amplification(self, parallel: int = 1) -> float:
        """Lambda: the weights' root mean square along the first directions over that of the rest.

        Per component, so that it is 1 at the start
        (docs/science/stability.md#the-amplification-factor).
        """
        squares = self.parameters[:, :-2].square().sum(dim=0).tolist()
        return math.sqrt(fmean(squares[:parallel]) / fmean(squares[parallel:]))

    def tangent_kernel(
        self,
        first: Float[torch.Tensor, "first coordinate"],
        second: Float[torch.Tensor, "second coordinate"],
    ) -> Float[torch.Tensor, "first second"]:
        """The empirical tangent kernel, times the width so that it has a limit."""
        one, two = with_bias(first), with_bias(second)
        overlaps = one @ two.T
        one, two = self.hidden(one), self.hidden(two)
        amplitudes = self.parameters[:, -1]
        weights = ((one > 0) * amplitudes) @ ((two > 0) * amplitudes).T
        return 2 / len(self.parameters) * (one @ two.T + overlaps * weights)

    def last_layer_kernel(
        self,
        first: Float[torch.Tensor, "first coordinate"],
        second: Float[torch.Tensor, "second coordinate"],
    ) -> Float[torch.Tensor, "first second"]:
        """The part of the tangent kernel that is of the amplitudes: products of activations."""
        one, two = self.hidden(with_bias(first)), self.hidden(with_bias(second))
        return 2 / len(self.parameters) * one @ two.T


@dataclass(frozen=True)
class Limits:
    """How far a step of the flow may go, and how many there may be.

    The authors' control by the change of the gradient stalls wherever one unit's flip changes the
    gradient by a percent; these two bounds do not
    (docs/science/stability.md#the-stripe-network-and-its-regimes).
    """

    parameters: float = 0.02  # |change| / |parameters|
    outputs: float = 0.2  # largest change of F over the training points
    steps: int = 100_000


@dataclass(frozen=True)
class Training:
    """The trained network and what was seen on the way, one entry for each step."""

    initial: OneHiddenLayer
    at_fit: OneHiddenLayer  # at t*, when more than a tenth of the points have their margin
    final: OneHiddenLayer
    alpha: float
    time: Float[np.ndarray, " step"]
    fitted: Float[np.ndarray, " step"]  # share of the points with a margin y F of 1 or more
    amplification: Float[np.ndarray, " step"]

    @property
    def converged(self) -> bool:
        """Whether every point has its margin."""
        return bool(self.fitted[-1] == 1.0)

    @property
    def amplification_at_fit(self) -> float:
        """Lambda(t*), NaN where that never comes."""
        return float(self.amplification[self.fit]) if self.fit is not None else math.nan

    @property
    def fit(self) -> int | None:
        """The first step after which more than a tenth of the points have their margin."""
        begun = np.flatnonzero(self.fitted > _BEGUN)
        return int(begun[0]) if len(begun) else None

    def predict(self, points: Points) -> Values:
        """F(x)."""
        return self.alpha * (self.final.output(points) - self.initial.output(points))


def train(
    network: OneHiddenLayer,
    points: Points,
    labels: Values,
    alpha: float,
    limits: Limits | None = None,
    parallel: int = 1,
    sharpness: float = 20.0,
) -> Training:
    """Full-batch gradient flow of the soft hinge loss until all points have their margin.

    The loss is (1 / p alpha) sum softplus(s (1 - y F)) / s, s the sharpness. Euler steps within
    `limits`; a training that needs more steps is returned as it is, not `converged`. Cost of a
    step: a few passes over points x units.
    """
    limits = limits or Limits()
    problem = _Problem(with_bias(points), labels, alpha, sharpness, network.output(points))
    start, begun, step, time = network, network, float(len(network.parameters)), 0.0
    hidden, values = problem.predict(network)
    trace = [(time, problem.fitted(values), network.amplification(parallel))]
    while trace[-1][1] < 1.0 and len(trace) <= limits.steps:
        velocity = problem.velocity(network, hidden, values)
        furthest = limits.parameters * network.parameters.norm() / velocity.norm()
        step = min(step, furthest.item())
        while True:
            moved = OneHiddenLayer(network.parameters.add(velocity, alpha=step))
            hidden, now = problem.predict(moved)
            change = (now - values).abs_().max().item() / limits.outputs
            if not change > 1.0:  # nor where it is not a number: the steps then run out
                break
            step *= max(0.1, min(0.5, 0.7 / change))
        if trace[-1][1] <= _BEGUN:
            begun = moved
        network, values, time = moved, now, time + step
        trace.append((time, problem.fitted(values), network.amplification(parallel)))
        if change <= 0.5:
            step *= 1.1
    return Training(start, begun, network, alpha, *np.array(trace).T)


def with_bias(points: Points) -> Inputs:
    """What the units weigh: x / sqrt(d), and 1."""
    scaled = points / math.sqrt(points.shape[1])
    return torch.cat((scaled, scaled.new_ones(len(points), 1)), dim=1)


@dataclass(frozen=True)
class _Problem:
    """The training set and the loss."""

    inputs: Inputs
    labels: Values
    alpha: float
    sharpness: float
    at_start: Values

    def predict(self, network: OneHiddenLayer) -> tuple[Hidden, Values]:
        """The activations and F."""
        hidden = network.hidden(self.inputs)
        return hidden, network.read_out(hidden).sub_(self.at_start).mul_(self.alpha)

    def velocity(self, network: OneHiddenLayer, hidden: Hidden, values: Values) -> Parameters:
        """Minus the gradient of the loss; alpha cancels."""
        pull = (1 - self.labels * values).mul_(self.sharpness).sigmoid_().mul_(self.labels)
        pull *= math.sqrt(2) / (len(network.parameters) * len(pull))
        velocity = torch.empty_like(network.parameters)
        torch.mm(hidden.sign().T, pull[:, None] * self.inputs, out=velocity[:, :-1])
        velocity[:, :-1] *= network.parameters[:, -1:]
        velocity[:, -1] = hidden.T @ pull
        return velocity

    def fitted(self, values: Values) -> float:
        """The share of points that have their margin."""
        return (self.labels * values >= 1).count_nonzero().item() / len(values)
