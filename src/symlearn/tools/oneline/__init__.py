"""A run of Snakemake as one line that is rewritten, with what failed above it."""
