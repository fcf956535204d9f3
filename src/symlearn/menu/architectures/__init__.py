"""Architectures: a module for each kind, with one function from its parameters to layers.

`{kind: mlp, hidden_layers: 1}` is `layers(hidden_layers=1)` of the module `mlp`. Kernels of
infinite width and networks of finite width are both made from the layers. The config's model of a
kind, with its types, ranges and defaults, is read off the function's signature.
"""
