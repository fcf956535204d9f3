"""Data sets of labelled images, and the orbits made from them (`symlearn.datasets.orbits`)."""

from symlearn.datasets.images import LabelledImages, load_images

__all__ = ["LabelledImages", "load_images"]
