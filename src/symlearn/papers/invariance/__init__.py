"""Learned and genuine invariance, after Moskalev et al. (arXiv 2308.03904)."""
