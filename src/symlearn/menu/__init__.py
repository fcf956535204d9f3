"""What a config can name, with its parameters: architectures, networks, data sets, groups.

No array library is imported here, so that a config is checked and planned in a moment. Each name
leads to a module (`lookup`), and a result depends on the modules that its spec names: what is added
here remakes nothing that does not use it.
"""
