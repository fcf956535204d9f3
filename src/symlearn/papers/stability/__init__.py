"""Relative stability after Petrini et al. (arXiv 2105.02468), stripes after arXiv 2007.11471."""
