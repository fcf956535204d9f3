"""Data sets of labelled images, and the orbits made from them."""

from symlearn.datasets.images import LabelledImages, load_images
from symlearn.datasets.orbits import make_orbits, normalise, rotation_orbits

__all__ = [
    "LabelledImages",
    "load_images",
    "make_orbits",
    "normalise",
    "rotation_orbits",
]
