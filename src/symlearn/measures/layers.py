"""Which operations of a network break a symmetry: the chain rule of the Lie derivative.

For values h = op(h_1, ...) with a generator X acting on each of them, the operation's own Lie
derivative is sum_i J_i X h_i - X h. Pushed on to the output and summed over all operations, the
terms telescope: they add up to the network's Lie derivative, whatever the actions in between
(docs/science/lie.md#layer-by-layer).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Shaped

from symlearn.measures.lie import (
    STENCIL,
    Images,
    Model,
    check_generator,
    check_images,
    check_model,
    lie_derivative,
    output_layout,
    unfused_attention,
)
from symlearn.measures.lie_action import Generator, Layout, MeasureError
from symlearn.measures.lie_trace import Action, Operation, Trace, Value
from symlearn.progress import progress

OUTPUT = Operation("output", "", "")
"""Where the output has another layout than the one that was stated."""


@dataclass(frozen=True)
class Decomposition:
    """The terms of a Lie derivative, one for each operation, in the order of the operations.

    A probe is one of the output's entries, or a random direction z if `random`; then the
    numbers are the products of z with the terms.
    """

    operations: tuple[Operation, ...]
    terms: Float[torch.Tensor, "operation image probe"]
    whole: Float[torch.Tensor, "image probe"]
    random: bool

    @property
    def closure(self) -> Float[torch.Tensor, "image probe"]:
        """The sum of the terms minus the whole: zero to rounding if no operation was missed."""
        return self.terms.sum(dim=0) - self.whole

    @property
    def squared_norms(self) -> Float[torch.Tensor, "operation image"]:
        """The squared norm of each term: summed over the outputs, or Hutchinson's estimate."""
        squares = self.terms.square()
        return squares.mean(dim=2) if self.random else squares.sum(dim=2)

    def squares_of(self, layers: Sequence[Sequence[int]]) -> Float[torch.Tensor, "layer image"]:
        """As `squared_norms`, of layers that are made of several operations, by their numbers."""
        sums = torch.stack([self.terms[list(numbers)].sum(dim=0) for numbers in layers])
        return replace(self, terms=sums).squared_norms

    @property
    def standard_errors(self) -> Float[torch.Tensor, "operation image"]:
        """The standard error of `squared_norms`: zero if they are exact."""
        if not self.random:
            return torch.zeros_like(self.terms[..., 0])
        return self.terms.square().std(dim=2) / self.terms.shape[2] ** 0.5

    def grouped(self, label: Callable[[Operation], str]) -> "Decomposition":
        """The same with the terms of operations of one label added up, as if they were one.

        Groups have the label as function and module, in the order in which they begin. What
        lies within a group, such as the layout of attention weights, cancels.
        """
        labels = [label(operation) for operation in self.operations]
        groups = list(dict.fromkeys(labels))
        terms = self.terms.new_zeros(len(groups), *self.terms.shape[1:])
        index = torch.tensor([groups.index(name) for name in labels], device=terms.device)
        terms.index_add_(0, index, self.terms)
        operations = tuple(Operation(name, name, "") for name in groups)
        return replace(self, operations=operations, terms=terms)


def decompose(
    model: Model,
    images: Shaped[torch.Tensor, "..."],
    generator: str | Generator,
    stencil: str = STENCIL,
    *,
    output: str | Layout | None = None,
    probes: int | None = None,
    rng: torch.Generator | None = None,
    quiet: bool = True,
) -> Decomposition:
    """What each operation of a network contributes to its Lie derivative.

    The arguments are those of `lie_derivative`. Without `probes` the terms are exact, one
    backward pass for each entry of the output; with it they are seen through that many normal
    random directions from `rng`, which is cheaper where outputs are many
    (docs/science/lie.md#exact-terms-and-random-probes). The network must make the same operations
    for every image. Writing in place is seen, but not what writing to a view
    does to its base; like anything else that is missed, that shows in the closure. Operations
    that make sense only together, such as circular padding and its convolution, or attention,
    are read after `grouped`.

    Raises MeasureError as `lie_derivative`, and where torch's functions do not make the output
    alone. Cost for each image: one pass with about four evaluations of each operation, which
    holds all values, and the backward passes; images are taken one by one.
    """
    (found,) = decompositions(
        model, images, [(generator, stencil)], output=output, probes=probes, rng=rng, quiet=quiet
    )
    return found


def decompositions(
    model: Model,
    images: Shaped[torch.Tensor, "..."],
    actions: Sequence[tuple[str | Generator, str]],
    *,
    output: str | Layout | None = None,
    probes: int | None = None,
    rng: torch.Generator | None = None,
    quiet: bool = True,
) -> list[Decomposition]:
    """As `decompose`, for several generators, each with its stencil.

    All share one trace of each image, its backward passes and, with `probes`, the directions: far
    cheaper than one by one.
    """
    chosen = [(check_generator(generator), stencil) for generator, stencil in actions]
    for generator, _ in chosen:
        check_images(images, generator)
    check_model(model)
    if probes is not None and (probes < 2 or rng is None):
        raise ValueError(f"{probes} random probes: at least 2 and a torch.Generator are needed")
    derivatives = [
        lie_derivative(model, images, *action, output=output).reshape(len(images), -1)
        for action in chosen
    ]
    directions = _directions(derivatives[0], probes, rng)
    traced = [
        _terms(model, images[number : number + 1].detach(), chosen, output, directions[number])
        for number in progress(range(len(images)), "images", quiet=quiet)
    ]
    if any(operations != traced[0][0] for operations, _ in traced):
        raise MeasureError("the model does not make the same operations for every image")
    terms = torch.stack([found for _, found in traced], dim=2)
    wholes = [torch.einsum("ipo,io->ip", directions, one) for one in derivatives]
    return [
        Decomposition(traced[0][0], own, whole, probes is not None)
        for own, whole in zip(terms, wholes, strict=True)
    ]


def operations_of(model: Model, image: Images) -> tuple[Operation, ...]:
    """The operations that a network makes of an image (1, channel, row, col), in their order."""
    trace = Trace(image, [(check_generator("translate_x"), STENCIL)])
    with torch.no_grad(), unfused_attention(), trace.inside(model), trace:
        model(trace.image)
    return tuple(operation for operation, _ in trace.steps)


def _directions(
    derivative: Float[torch.Tensor, "image output"],
    probes: int | None,
    rng: torch.Generator | None,
) -> Float[torch.Tensor, "image probe output"]:
    images, outputs = derivative.shape
    if probes is None:
        one_each = torch.eye(outputs, dtype=derivative.dtype, device=derivative.device)
        return one_each.expand(images, outputs, outputs)
    shape = (images, probes, outputs)
    return torch.randn(shape, generator=rng, dtype=derivative.dtype).to(derivative.device)


def _terms(
    model: Model,
    image: Images,
    actions: Sequence[Action],
    output: str | Layout | None,
    directions: Float[torch.Tensor, "probe output"],
) -> tuple[tuple[Operation, ...], Float[torch.Tensor, "action operation probe"]]:
    """The operations for one image, and their terms along the directions."""
    trace = Trace(image, actions)
    with torch.enable_grad(), unfused_attention(), trace.inside(model), trace:
        result = model(trace.image)
    last = trace.value(result)
    change = last.moved - trace.act(last.tensor.detach(), output_layout(output, last.tensor, 1))
    operations = [operation for operation, _ in trace.steps]
    terms = _pulled_back(last, [values for _, values in trace.steps], directions)
    if change.any():
        operations.append(OUTPUT)
        last_terms = change.flatten(1) @ directions.T
        terms = torch.cat([terms, last_terms[:, None]], dim=1)
    return tuple(operations), terms


def _pulled_back(
    result: Value,
    steps: list[list[Value]],
    directions: Float[torch.Tensor, "probe output"],
) -> Float[torch.Tensor, "action operation probe"]:
    """For each operation, z . J (its own Lie derivative), J from its values to the result."""
    flat = [(i, value) for i, values in enumerate(steps) for value in values]
    tensors = [value.tensor for _, value in flat]
    terms = result.moved.new_zeros(len(result.moved), len(steps), len(directions))
    for p, z in enumerate(directions if flat else ()):
        gradients = torch.autograd.grad(
            result.tensor,
            tensors,
            z.reshape(result.tensor.shape),
            retain_graph=True,
            allow_unused=True,
        )
        for (i, value), gradient in zip(flat, gradients, strict=True):
            if gradient is not None:
                terms[:, i, p] += value.local.flatten(1) @ gradient.flatten()
    return terms.detach()
