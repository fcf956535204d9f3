"""What the operations of a network count as: their type, by what their modules are and do.

Nothing is read off the names of a network's parts, so that models of timm are told as this
project's are (docs/science/lie.md#types-of-layers).
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from torch import nn

from symlearn.measures.lie_action import Layout, Vector
from symlearn.measures.lie_layouts import MOVES
from symlearn.measures.lie_trace import Operation

KINDS = (
    "convolution",
    "strided convolution",
    "pooling",
    "nonlinearity",
    "norm",
    "patch embedding",
    "attention",
    "token mixing",
    "addition",
    "dense",
    "scaling",
    "reshaping",
    "other",
)

_NONLINEAR = frozenset(
    {"relu", "relu_", "relu6", "leaky_relu", "prelu", "elu", "selu", "celu", "gelu", "silu",
     "mish", "tanh", "sigmoid", "softplus", "softmax", "clamp", "hardtanh", "hardsigmoid",
     "hardswish"}
)  # fmt: skip
_POOLING = frozenset(
    {"max_pool2d", "avg_pool2d", "lp_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d",
     "boolean_dispatch", "amax"}
)  # fmt: skip
_ADDITIONS = frozenset({"add", "add_", "iadd", "radd", "sub", "isub"})
_PRODUCTS = frozenset({"mul", "mul_", "imul", "rmul", "addcmul", "div", "truediv"})
_DENSE = frozenset({"linear", "matmul", "rmatmul", "bmm", "addmm", "conv1d", "einsum"})
# Of modules that let each pixel look at the others: children or parameters that only they have.
_ATTENDING = (
    {"qkv"}, {"to_qkv"}, {"in_proj_weight"}, {"q", "k"}, {"q", "kv"}, {"query", "key"},
    {"q_proj", "k_proj"},
)  # fmt: skip


class Layer(NamedTuple):
    """What an operation counts as: its true type, and the part of the network it is in."""

    kind: str
    name: str


def layers_of(network: nn.Module, operations: Sequence[Operation]) -> list[Layer]:
    """What each operation of a network counts as, in their order.

    Attention without its norms is one layer, and so is the patches' embedding with them. Windows
    belong to the attention in them. What reads values that have lost their pixels belongs to the
    layer that lost them, up to the addition that brings pixels back.
    """
    kinds = _Kinds(network, operations)
    found = [kinds.of(operation) for operation in operations]
    found[: kinds.before] = [Layer("patch embedding", kinds.embedding)] * kinds.before
    for start, end in _without_pixels(operations):
        found[start:end] = [found[start]] * (end - start)
    return found


def layer_runs(
    network: nn.Module, operations: Sequence[Operation]
) -> list[tuple[Layer, list[int]]]:
    """The layers of a network in their order: successive operations of one, by their numbers."""
    numbered = enumerate(layers_of(network, operations))
    return [(layer, [i for i, _ in run]) for layer, run in groupby(numbered, key=lambda x: x[1])]


class _Kinds:
    """The types of one network's operations."""

    def __init__(self, network: nn.Module, operations: Sequence[Operation]):
        self._modules = dict(network.named_modules())
        self.embedding, self.before = self._embedded(operations)

    def of(self, operation: Operation) -> Layer:
        """What an operation counts as by itself."""
        path, function = operation.module, operation.function
        if _inside(path, self.embedding):
            return Layer("patch embedding", self.embedding)
        above = [(a, m) for a in _ancestors(path) if (m := self._modules.get(a)) is not None]
        for name, module in above:
            if kind := _of_patches(module):
                return Layer(kind, name)
        if self._is_norm(operation):
            return Layer("norm", path)
        for name, module in above:
            if _attends(module):
                return Layer("attention", name)
        if function in MOVES and (attention := self._windows(operation)):
            return Layer("attention", attention)
        return Layer(self._own(operation), path or function)

    def _own(self, operation: Operation) -> str:
        """The type of an operation that is no part of a larger layer."""
        module, function = self._modules.get(operation.module), operation.function
        if isinstance(module, nn.Conv2d):
            return "convolution" if max(module.stride) == 1 else "strided convolution"
        if _is_pooling(operation, module):
            return "pooling"
        if function in _NONLINEAR or type(module).__module__.endswith("activation"):
            return "nonlinearity"
        if function in _ADDITIONS:
            return "addition"
        if function in _PRODUCTS:
            return "scaling"
        if function in _DENSE:
            return "token mixing" if operation.pixels_last else "dense"
        return "reshaping" if function in MOVES else "other"

    def _is_norm(self, operation: Operation) -> bool:
        module = self._modules.get(operation.module)
        named = "Norm" in type(module).__name__ and not _weights(module)
        return named or "norm" in operation.function

    def _windows(self, operation: Operation) -> str | None:
        """The attention among a module's own children, where the module takes pixels away."""
        module = self._modules.get(operation.module)
        if module is None or not (_pixels(operation.reads) and not _pixels(operation.makes)):
            return None
        attending = [name for name, child in module.named_children() if _attends(child)]
        return ".".join(filter(None, [operation.module, *attending[:1]])) if attending else None

    def _embedded(self, operations: Sequence[Operation]) -> tuple[str, int]:
        """The module that embeds patches, if the first weights do; how many operations precede."""
        weights = [o.function in ("conv2d", "linear") for o in operations]
        if True not in weights:
            return "", 0
        first = weights.index(True)
        operation, module = operations[first], self._modules.get(operations[first].module)
        if isinstance(module, nn.Conv2d):
            patches = module.kernel_size == module.stride != (1, 1)
        else:
            patches = _pixels(operation.makes) and not operation.pixels_last
        return (self._with_norms(operation.module), first) if patches else ("", 0)

    def _with_norms(self, path: str) -> str:
        """The largest module around one of weights that has no other weights but norms'."""
        around = [path]
        for above in reversed([a for a in _ancestors(path) if a]):
            if _weights(self._modules[above]) == 1:
                around.append(above)
        return around[-1]


def _without_pixels(operations: Sequence[Operation]) -> Iterator[tuple[int, int]]:
    """The runs of operations from one that loses the pixels to the addition after which they are.

    The addition counts to the run: what it adds has no pixels, and what comes out has some.
    """
    lost: int | None = None
    for number, operation in enumerate(operations):
        if _pixels(operation.reads) and not _pixels(operation.makes):
            lost = number
        back = any(isinstance(read, Vector) for read in operation.reads) and _pixels(
            operation.makes
        )
        if back and lost is not None and operation.function in _ADDITIONS:
            yield lost, number + 1
            lost = None


def _pixels(layouts: Sequence[Layout]) -> bool:
    return any(not isinstance(layout, Vector) for layout in layouts)


def _is_pooling(operation: Operation, module: nn.Module | None) -> bool:
    averages = operation.function in ("mean", "sum") and not _pixels(operation.makes)
    named = "Pool" in type(module).__name__
    return operation.function in _POOLING or (averages and _pixels(operation.reads)) or named


def _of_patches(module: nn.Module) -> str | None:
    """What timm's modules that make patches of pixels, or of patches, count as with their norms."""
    name = type(module).__name__
    if name.endswith("PatchEmbed"):
        return "patch embedding"
    return "strided convolution" if name.startswith("PatchMerging") else None


def _weights(module: nn.Module | None) -> int:
    """How many matrices of weights a module has, those of norms not counted."""
    inside = [] if module is None else module.modules()
    return sum(isinstance(m, nn.Conv2d | nn.Linear) for m in inside)


def _attends(module: nn.Module) -> bool:
    parameters = {name for name, _ in module.named_parameters(recurse=False)}
    own = {name for name, _ in module.named_children()} | parameters
    return any(names <= own for names in _ATTENDING)


def _ancestors(path: str) -> list[str]:
    """The paths of a module and of all modules around it, the network first."""
    parts = path.split(".") if path else []
    return ["", *(".".join(parts[: i + 1]) for i in range(len(parts)))]


def _inside(path: str, outer: str) -> bool:
    return bool(outer) and (path == outer or path.startswith(outer + "."))
