"""Networks of finite width by name, and the config's model of each kind.

Light on purpose: the config is checked without torch. `symlearn.networks.build` turns an entry
into a module; `misfit` says beforehand which images it would refuse. Networks that have an
infinite-width limit are the architectures of `symlearn.menu.architectures` at a width; those here
have dropout, pooling or attention.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Union, get_args

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(strict=True, gt=0)]
# Weight-tying is exact where the group permutes pixels, so only these are offered.
ExactGroup = Literal["cyclic-rotation", "cyclic-shift", "dihedral"]


class _Kind(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    least_side: ClassVar[int] = 1

    def misfit(self, side: int) -> str | None:
        """Why the network cannot be built for images of `side` pixels a side; None if it can."""
        if side < self.least_side:
            return f"needs images of {self.least_side} pixels a side or more, not {side}"
        return None


class Perceptron(_Kind):
    """Dense layers with ReLU and dropout; the last is linear, without bias."""

    kind: Literal["perceptron"]
    widths: Annotated[list[Count], Field(min_length=1)]
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Convnet(_Kind):
    """5 x 5 and 3 x 3 convolutions, each halved by max-pooling, then two dense layers."""

    least_side: ClassVar[int] = 12

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

    def misfit(self, side: int) -> str | None:
        """Why not: patches must tile the images, and positions are sines of four kinds."""
        if self.width % 4 or self.width < 8:
            return f"has a width of {self.width}, which is no multiple of 4 from 8 on"
        if side % self.patch:
            return f"has patches of {self.patch} pixels, which do not tile images of {side}"
        return None


class PlainTransformer(VisionTransformer):
    """The same with a linear embedding of the patches, without norms there."""

    kind: Literal["plain-transformer"]  # type: ignore[assignment]


class Lenet(_Kind):
    """LeNet-5 with ReLU and max-pooling."""

    least_side: ClassVar[int] = 12

    kind: Literal["lenet"]
    width: Count = 6


class Alexnet(_Kind):
    """AlexNet for small images, with two dense layers before the last."""

    least_side: ClassVar[int] = 16

    kind: Literal["alexnet"]
    width: Count = 64


class Vgg(_Kind):
    """VGG of 11, 16 or 19 layers, with or without batch norm."""

    least_side: ClassVar[int] = 4

    kind: Literal["vgg"]
    depth: Literal[11, 16, 19]
    width: Count = 64
    norm: bool = False


class Resnet(_Kind):
    """A residual network; by default ResNet-18 for small images."""

    least_side: ClassVar[int] = 8

    kind: Literal["resnet"]
    width: Count = 64
    blocks: Annotated[list[Count], Field(min_length=1, max_length=4)] = [2, 2, 2, 2]


class EfficientNet(_Kind):
    """EfficientNet-B0 for small images."""

    least_side: ClassVar[int] = 16

    kind: Literal["efficientnet-b0"]
    width: Count = 32
    stem_stride: Literal[1, 2] = 1


class _Tied(_Kind):
    group: ExactGroup = "cyclic-rotation"
    n: Count = 4

    def misfit(self, side: int) -> str | None:
        """Why not: the group must permute the pixels."""
        if self.group != "cyclic-shift" and self.n not in (1, 2, 4):
            return f"has n = {self.n}, which turns by interpolation; 1, 2 and 4 permute pixels"
        if self.group == "cyclic-shift" and side % self.n:
            return f"has n = {self.n}, which does not divide the images' side, {side} pixels"
        return None


class OrbitPooled(_Tied):
    """A perceptron whose first layer is lifted over a group and pooled over the orbit."""

    kind: Literal["orbit-pooled"]
    widths: Annotated[list[Count], Field(min_length=1)]


class OrbitAveraged(_Tied):
    """A network whose logits are averaged over the orbit of its input."""

    kind: Literal["orbit-averaged"]
    network: "Annotated[Perceptron | Convnet, Field(discriminator='kind')]"

    def misfit(self, side: int) -> str | None:
        """Why not: the group, or the network inside."""
        return super().misfit(side) or self.network.misfit(side)


_KINDS: tuple[type[_Kind], ...] = (
    Perceptron,
    Convnet,
    VisionTransformer,
    PlainTransformer,
    Lenet,
    Alexnet,
    Vgg,
    Resnet,
    EfficientNet,
    OrbitPooled,
    OrbitAveraged,
)
MODELS: Mapping[str, type[_Kind]] = {
    get_args(kind.model_fields["kind"].annotation)[0]: kind for kind in _KINDS
}
# One entry of the config's `networks`; its key `kind` says which model it is held to.
NetworkEntry: Any = Annotated[Union[tuple(MODELS.values())], Field(discriminator="kind")]  # noqa: UP007

STANDARD: Mapping[str, Mapping[str, Any]] = {
    # The networks of figure 1 (authors' code, fig1_data.py), and the transformer at a fifth and
    # less of its width for machines without a GPU.
    "mlp": {"kind": "perceptron", "widths": [512, 128], "dropout": 0.5},
    "cnn": {"kind": "convnet", "channels": [24, 32], "hidden": 256},
    "vit": {"kind": "vision-transformer", "width": 256, "mlp_width": 256},
    "vit-48": {"kind": "vision-transformer", "width": 48, "mlp_width": 48, "head_width": 12},
    # And those of the study of Lie derivatives beside them.
    "cnn-12": {"kind": "convnet", "channels": [12, 16], "hidden": 128},
    "vit-plain-32": {
        "kind": "plain-transformer",
        "width": 32,
        "mlp_width": 64,
        "head_width": 8,
    },
    # Those of the relative-stability study, and a residual network for small images.
    # Their dense networks have 2, 4 (the one without a number) and 6 layers.
    "fully-connected": {"kind": "perceptron", "widths": [64, 64, 64]},
    "fully-connected-2": {"kind": "perceptron", "widths": [64]},
    "fully-connected-6": {"kind": "perceptron", "widths": [64, 64, 64, 64, 64]},
    "lenet": {"kind": "lenet"},
    "alexnet": {"kind": "alexnet"},
    "vgg11": {"kind": "vgg", "depth": 11},
    "vgg11-bn": {"kind": "vgg", "depth": 11, "norm": True},
    "vgg16": {"kind": "vgg", "depth": 16},
    "vgg16-bn": {"kind": "vgg", "depth": 16, "norm": True},
    "vgg19": {"kind": "vgg", "depth": 19},
    "vgg19-bn": {"kind": "vgg", "depth": 19, "norm": True},
    "resnet18": {"kind": "resnet"},
    "resnet34": {"kind": "resnet", "blocks": [3, 4, 6, 3]},
    "resnet8-8": {"kind": "resnet", "width": 8, "blocks": [1, 1, 1]},
    "resnet8-16": {"kind": "resnet", "width": 16, "blocks": [1, 1, 1]},
    "efficientnet-b0": {"kind": "efficientnet-b0"},
    # The same with a quarter and less of the channels, which two cores train in minutes.
    "alexnet-narrow": {"kind": "alexnet", "width": 16},
    "vgg11-narrow": {"kind": "vgg", "depth": 11, "width": 16},
    "vgg11-bn-narrow": {"kind": "vgg", "depth": 11, "width": 16, "norm": True},
    "vgg16-narrow": {"kind": "vgg", "depth": 16, "width": 16},
    "vgg16-bn-narrow": {"kind": "vgg", "depth": 16, "width": 16, "norm": True},
    "vgg19-narrow": {"kind": "vgg", "depth": 19, "width": 16},
    "vgg19-bn-narrow": {"kind": "vgg", "depth": 19, "width": 16, "norm": True},
    "resnet18-narrow": {"kind": "resnet", "width": 8},
    "resnet34-narrow": {"kind": "resnet", "width": 8, "blocks": [3, 4, 6, 3]},
    "efficientnet-b0-narrow": {"kind": "efficientnet-b0", "width": 8, "stem_stride": 2},
    # That of the study of genuine invariance (our protocol), untied and tied.
    "mlp-128": {"kind": "perceptron", "widths": [128, 128, 128]},
    "mlp-256": {"kind": "perceptron", "widths": [256, 256, 256]},
    "cnn-8": {"kind": "convnet", "channels": [8, 16], "hidden": 64},
    "mlp-256-pooled": {"kind": "orbit-pooled", "widths": [256, 256, 256]},
    "mlp-256-averaged": {
        "kind": "orbit-averaged",
        "network": {"kind": "perceptron", "widths": [256, 256, 256]},
    },
}


def standard_entry(name: str) -> dict[str, Any]:
    """The entry of a standard network, its defaults filled in."""
    return model_of(STANDARD[name]).model_dump()


def model_of(entry: Mapping[str, Any]) -> _Kind:
    """The model of an entry."""
    return MODELS[entry["kind"]].model_validate(entry)
