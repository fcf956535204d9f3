"""The Lie derivative, after Gruver et al. (arXiv 2210.02984)."""
