"""One pass through a network that records what each operation does to generators' actions.

Every torch function that an image's values pass through is an operation, also those that are no
module: additions of residuals and positional embeddings, pooling of tokens, reshaping. What is made
of it: docs/science/lie.md#layer-by-layer, and docs/science/lie.md#exact-terms-and-random-probes.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

from symlearn.measures.lie_action import (
    Generator,
    Image,
    Layout,
    MeasureError,
    Size,
    Tokens,
    Vector,
    act,
    jvp,
)
from symlearn.measures.lie_layouts import floating, follow

Action = tuple[Generator, str]
"""A generator and the stencil by which it acts."""


@dataclass(frozen=True)
class Operation:
    """A torch function called in a module: its name, the module's path and class.

    `reads` and `makes` say where pixels are in the image's values that it reads, and in what it
    makes of them. `pixels_last` says whether the last axis of the first of them is one of pixels.
    """

    function: str
    module: str
    kind: str
    reads: tuple[Layout, ...] = ()
    makes: tuple[Layout, ...] = ()
    pixels_last: bool = False


@dataclass(frozen=True)
class Value:
    """A tensor computed from the image, its layout, and L_X of the operation that made it.

    What depends on the action has one more axis, the first, with an entry for each.
    """

    tensor: torch.Tensor
    layout: Layout
    moved: torch.Tensor  # X h
    local: torch.Tensor  # L_X of the operation alone


class Call:
    """A call of a torch function: its arguments as a tree, of which some leaves are traced."""

    def __init__(self, function: Any, leaves: list[Any], tree: TreeSpec, traced: list[int]):
        self.name = _name(function)
        self.leaves = leaves
        self.traced = traced
        self._function = function
        self._tree = tree

    def plainly(self) -> Any:
        """The result of the call."""
        return self._on(self.leaves)

    def on_copies(
        self, leaves: list[Any] | None = None
    ) -> tuple[Any, list[torch.Tensor], list[tuple[torch.Tensor, torch.Tensor]]]:
        """The result, its floating tensors, and pairs of (argument, what was written to it).

        Functions that work in place do so on copies, which then count among the outputs.
        """
        leaves = self.leaves if leaves is None else leaves
        copies = [leaf.clone() if _copied(leaf) else leaf for leaf in leaves]
        before = [copy._version if _copied(copy) else 0 for copy in copies]
        result = self._on(copies)
        written = [
            (leaf, copy)
            for leaf, copy, version in zip(leaves, copies, before, strict=True)
            if _copied(copy) and copy._version != version
        ]
        outputs = floating((result, [copy for _, copy in written]))
        return result, list({id(tensor): tensor for tensor in outputs}.values()), written

    def on_leaves(self, leaves: list[Any]) -> list[torch.Tensor]:
        """The outputs for other arguments."""
        return self.on_copies(leaves)[1]

    def of_traced(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The outputs as a function of the traced arguments alone."""
        leaves = list(self.leaves)
        for i, tensor in zip(self.traced, tensors, strict=True):
            leaves[i] = tensor
        return tuple(self.on_copies(leaves)[1])

    def _on(self, leaves: list[Any]) -> Any:
        args, kwargs = tree_unflatten(leaves, self._tree)
        return self._function(*args, **kwargs)


def _copied(leaf: Any) -> bool:
    plain = isinstance(leaf, torch.Tensor) and not isinstance(leaf, nn.Parameter)
    return plain and leaf.is_floating_point()


class Trace(TorchFunctionMode):
    """Records values and operations while it is the active torch function mode."""

    def __init__(self, image: torch.Tensor, actions: Sequence[Action]):
        super().__init__()
        self._size: Size = (image.shape[-2], image.shape[-1])
        self._actions = actions
        self._values: dict[int, Value] = {}
        self._replaced: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self._modules: list[tuple[str, str]] = [("", "")]
        self.steps: list[tuple[Operation, list[Value]]] = []
        self.image = image.detach().clone().requires_grad_()
        moved = self.act(self.image.detach(), Image())
        self._values[id(self.image)] = Value(self.image, Image(), moved, torch.zeros_like(moved))

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        leaves, tree = tree_flatten((args, kwargs or {}))
        leaves = [self._now(leaf) for leaf in leaves]
        call = Call(func, leaves, tree, [i for i, leaf in enumerate(leaves) if self._knows(leaf)])
        if not call.traced:
            return call.plainly()
        result, outputs, written = call.on_copies()
        if outputs:
            self._note(call, outputs)
        for old, new in written:
            # Whoever still holds the tensor that was written to must see the new values.
            self._replaced[id(old)] = (old, new)
        return result

    def act(self, values: torch.Tensor, layout: Layout) -> torch.Tensor:
        """X h for values in a layout, by each action."""
        if isinstance(layout, Vector):
            return values.new_zeros(len(self._actions), *values.shape)
        return torch.stack([act(values, layout, *action, self._size) for action in self._actions])

    def value(self, tensor: torch.Tensor) -> Value:
        """What was recorded of a tensor; raises MeasureError if it was not computed here."""
        tensor = self._now(tensor)
        if id(tensor) not in self._values:
            raise MeasureError("the model's output was not computed from the images by torch alone")
        return self._values[id(tensor)]

    @contextmanager
    def inside(self, model: Callable[..., Any]) -> Iterator[None]:
        """While active, operations are told by the modules of the model that call them."""
        modules = model.named_modules() if isinstance(model, nn.Module) else ()
        handles = []
        for path, module in modules:
            entry = (path, type(module).__name__)
            enter = lambda *_, entry=entry: self._modules.append(entry)  # noqa: E731
            handles.append(module.register_forward_pre_hook(enter))
            handles.append(module.register_forward_hook(self._leave))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _leave(self, *_: Any) -> None:
        self._modules.pop()

    def _now(self, leaf: Any) -> Any:
        while id(leaf) in self._replaced:
            leaf = self._replaced[id(leaf)][1]
        return leaf

    def _knows(self, leaf: Any) -> bool:
        return id(leaf) in self._values

    def _layout(self, tensor: torch.Tensor) -> Layout:
        return self._values[id(tensor)].layout if self._knows(tensor) else Vector()

    @torch.no_grad()
    def _note(self, call: Call, outputs: list[torch.Tensor]) -> None:
        """L_X of the operation: its derivative along X of its inputs, less X of its outputs."""
        inputs = [self._values[id(call.leaves[i])] for i in call.traced]
        primals = tuple(value.tensor.detach() for value in inputs)
        tangents = tuple(value.moved for value in inputs)
        with warnings.catch_warnings():
            # Of a few operations torch takes one tangent after the other, and says so.
            warnings.filterwarnings("ignore", message="There is a performance drop")
            pushed = torch.func.vmap(lambda *t: jvp(call.of_traced, primals, t)[1])(*tangents)
        layouts = follow(call.name, call.on_leaves, call.leaves, self._layout, outputs)
        values = []
        for tensor, layout, derivative in zip(outputs, layouts, pushed, strict=True):
            # What follows a detached value depends on that value all the same.
            tensor.requires_grad_()
            moved = self.act(tensor.detach(), layout)
            values.append(Value(tensor, layout, moved, derivative - moved))
            self._values[id(tensor)] = values[-1]
        path, kind = self._modules[-1]
        reads = tuple(value.layout for value in inputs)
        last = _last_is_pixels(inputs[0])
        self.steps.append((Operation(call.name, path, kind, reads, tuple(layouts), last), values))


def _last_is_pixels(value: Value) -> bool:
    layout, last = value.layout, value.tensor.ndim - 1
    if isinstance(layout, Image):
        return last in (layout.row, layout.col)
    return isinstance(layout, Tokens) and layout.axis == last


def _name(function: Any) -> str:
    """The function's name; of a property such as `x.mT`, the property's."""
    name = getattr(function, "__name__", type(function).__name__)
    if name == "__get__":
        name = getattr(function.__self__, "__name__", name)
    return str(name).strip("_")
