"""One archive that redraws every figure: figures, what they read, the source that draws them."""
