"""Infinite-width kernels (NTK and NNGP) of the architectures, and their Gram matrices."""

from symlearn.kernels.blocks import first_rows, gram
from symlearn.kernels.infinite_width import KernelTile, kernel_tile

__all__ = ["KernelTile", "first_rows", "gram", "kernel_tile"]
