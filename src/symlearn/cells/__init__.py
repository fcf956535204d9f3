"""Which cells of work each study has, one module for each of the papers' subjects.

Light on purpose, as `symlearn.plan`, which brings them together.
"""
