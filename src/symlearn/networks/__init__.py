"""Networks of finite width: architectures, ensembles trained side by side, checkpoints."""
