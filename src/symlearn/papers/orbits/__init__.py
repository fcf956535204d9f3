"""Partially observed orbits, after Perin and Deny (arXiv 2412.11521)."""
