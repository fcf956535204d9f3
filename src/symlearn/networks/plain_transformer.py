"""A vision transformer whose patches are embedded linearly, as published."""

from torch import nn

from symlearn.networks.vision_transformer import VisionTransformer


def plain_transformer(
    shape: tuple[int, int, int], classes: int, *, patch: int, width: int, **others: int
) -> VisionTransformer:
    """`VisionTransformer` without norms in the embedding of the patches.

    A norm of the pixels of one patch has a derivative of 1 / sqrt(1e-5) where the patch is
    empty, so that what is measured of the network at handwriting is little else.
    """
    network = VisionTransformer(shape, classes, patch=patch, width=width, **others)
    network.embed = nn.Sequential(nn.Linear(shape[0] * patch**2, width))
    return network
