"""What the studies of the Lie derivative can be set to."""

from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from symlearn.menu.values import (
    Closed,
    Context,
    Count,
    Faults,
    Names,
    Rate,
    Whole,
    among,
    at_most,
    enough_images,
)


class LieAliasing(Closed):
    """Nonlinearities and down-samplings of random band-limited images, without training."""

    pixels: Annotated[Whole, Field(ge=9, le=99)] = Field(
        description="side of the images that come out; odd, so that no mode is half aliased"
    )
    draws: Annotated[Whole, Field(ge=2)] = Field(description="random images at each frequency")
    phases: Annotated[Whole, Field(ge=2)] = Field(description="shifts of each single cosine")

    @model_validator(mode="after")
    def _odd(self) -> "LieAliasing":
        if self.pixels % 2 == 0:
            raise ValueError(f"pixels: {self.pixels} is even; an odd number is needed")
        return self


class LieModels(Closed):
    """A family of networks, each trained without and with random translations and rotations."""

    networks: Names
    seeds: Count = Field(default=2, description="initialisations and sets of training images")
    train: Count = Field(description="training images")
    test: Count = Field(description="test images, of which accuracies are measured")
    images: Annotated[Whole, Field(ge=2)] = Field(
        description="test images of which errors are measured; of one, logits do not vary"
    )
    pixels: Count = Field(description="largest random translation along each axis")
    draws: Count = Field(description="finite transformations of the measures to compare with")
    epochs: Count
    epochs_of: dict[str, Count] = Field(
        default={}, description="of single networks instead, which take longer to learn"
    )
    batch: Count
    learning_rate: Rate = 3e-3

    @model_validator(mode="after")
    def _among_the_test_images(self) -> "LieModels":
        if self.images > self.test:
            raise ValueError(
                f"images: {self.images} is more than the {self.test} of test; take a smaller number"
            )
        return self


class LieLayers(Closed):
    """Networks of the family, trained without augmentation, whose layers are told apart."""

    networks: Names
    images: Count


class LiePartial(Closed):
    """The Lie derivative of the networks of `partial`."""

    images: Count = Field(description="at most, of the class left out and of the others")


class PretrainedModel(Closed):
    """A model of timm and where its weights come from."""

    name: str = Field(description="in timm")
    weights: str = Field(
        default="package",
        description="package (of the extra `published`), hub, or the path of a file of weights",
    )
    accuracy: Annotated[float, Field(gt=0, le=100)] | None = Field(
        default=None, description="in percent, as published: where the model is drawn"
    )


class LiePretrained(Closed):
    """Pretrained models of timm on photographs, by the measures of all four papers."""

    models: list[PretrainedModel] = Field(description="none, where the figure is to do without")
    pictures: str = Field(
        description="folder of photographs, below data_root (or data); where it is not there, no "
        "model is measured"
    )
    images: Annotated[Whole, Field(ge=2)] = Field(description="photographs drawn")
    layer_images: Annotated[Whole, Field(ge=2)] = Field(
        description="of them, those of which layers are told apart"
    )
    directions: Annotated[Whole, Field(ge=2)] = Field(
        description="random directions through which layers' terms are seen"
    )
    draws: Count = Field(description="deformations of each photograph")

    @model_validator(mode="after")
    def _among_the_images(self) -> "LiePretrained":
        if self.layer_images > self.images:
            raise ValueError(
                f"layer_images: {self.layer_images} is more than the {self.images} of images; take "
                "a smaller number"
            )
        return self


class Settings(Closed):
    """The studies of this paper, by their keys in a preset."""

    title: ClassVar[str] = "The Lie derivative"
    rank: ClassVar[int] = 4

    lie_aliasing: LieAliasing
    lie_models: LieModels
    lie_layers: LieLayers
    lie_partial: LiePartial
    lie_pretrained: LiePretrained


def images_are_enough(context: Context, lie_models: LieModels) -> Faults:
    """The data set has as many images as networks are trained and tested on."""
    images = context.dataset.image_set
    yield from enough_images("lie_models.train", lie_models.train, lie_models.test, images)


def epochs_are_of_known_networks(context: Context, lie_models: LieModels) -> Faults:
    """A preset may leave out a network that another one names."""
    for network in lie_models.epochs_of:
        yield from among("lie_models.epochs_of", network, list(context.networks), "networks")


def layers_are_of_trained_networks(
    context: Context, lie_layers: LieLayers, lie_models: LieModels
) -> Faults:
    """Layers are told apart of networks of the family, on test images of it."""
    where = "the test images, lie_models.test"
    yield from at_most("lie_layers.images", lie_layers.images, lie_models.test, where)
    for network in lie_layers.networks:
        known = lie_models.networks
        yield from among("lie_layers.networks", network, known, "lie_models.networks")
