"""One file per experiment: from Gram matrices (or nothing) to the numbers that figures draw.

Each has `compute(spec, inputs)`, called by the stage with the spec's settings and the datasets of
the spec's inputs, in their order. Which cells an experiment has is in `symlearn.plan`.
"""
