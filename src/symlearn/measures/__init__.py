"""What a trained network has learned of a symmetry, measured on its outputs and its layers."""
