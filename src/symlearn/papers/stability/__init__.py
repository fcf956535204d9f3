"""Relative stability, after Petrini et al. (arXiv 2105.02468), and the stripe model (2007.11471)."""
