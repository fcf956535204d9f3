"""A module for each data set, named as it is in the config, with `load(data_root, cache)`."""
