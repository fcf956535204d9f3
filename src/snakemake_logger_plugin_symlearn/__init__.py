"""`snakemake --logger symlearn`; Snakemake finds a plugin by the name of its package."""

from symlearn.tools.oneline.handler import LogHandler

__all__ = ["LogHandler"]
