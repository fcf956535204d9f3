"""Networks of finite width by name, and the config's model of each kind.

Light on purpose: the config is checked without torch. `symlearn.networks.build` turns an entry
into a module. Networks that have an infinite-width limit are the architectures of
`symlearn.architectures` at a width; those here have dropout, pooling or attention.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(strict=True, gt=0)]


class _Kind(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Perceptron(_Kind):
    """Dense layers with ReLU and dropout; the last is linear, without bias."""

    kind: Literal["perceptron"]
    widths: Annotated[list[Count], Field(min_length=1)]
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Convnet(_Kind):
    """5 x 5 and 3 x 3 convolutions, each halved by max-pooling, then two dense layers."""

    kind: Literal["convnet"]
    channels: Annotated[list[Count], Field(min_length=2, max_length=2)]
    hidden: Count


class VisionTransformer(_Kind):
    """Patches as tokens, pre-norm attention and MLP blocks, the mean of the tokens read out."""

    kind: Literal["vision-transformer"]
    patch: Count = 4
    width: Count
    depth: Count = 2
    heads: Count = 4
    head_width: Count = 64
    mlp_width: Count


MODELS: Mapping[str, type[_Kind]] = {
    "perceptron": Perceptron,
    "convnet": Convnet,
    "vision-transformer": VisionTransformer,
}
# One entry of the config's `networks`; its key `kind` says which model it is held to.
NetworkEntry: Any = Annotated[Union[tuple(MODELS.values())], Field(discriminator="kind")]  # noqa: UP007

# The networks of figure 1 (authors' code, fig1_data.py), and the transformer at a fifth and less
# of its width for machines without a GPU.
STANDARD: Mapping[str, Mapping[str, Any]] = {
    "mlp": {"kind": "perceptron", "widths": [512, 128], "dropout": 0.5},
    "cnn": {"kind": "convnet", "channels": [24, 32], "hidden": 256},
    "vit": {"kind": "vision-transformer", "width": 256, "mlp_width": 256},
    "vit-48": {"kind": "vision-transformer", "width": 48, "mlp_width": 48, "head_width": 12},
}


def standard_entry(name: str) -> dict[str, Any]:
    """The entry of a standard network, its defaults filled in."""
    entry = STANDARD[name]
    return MODELS[entry["kind"]].model_validate(entry).model_dump()
