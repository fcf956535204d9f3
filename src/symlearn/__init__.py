"""Which symmetries do deep networks learn from data? Kernels, theory, measures and figures."""

__version__ = "0.1.0"
