"""What a run will cost, what it would remake and why, and how far it is.

Light, as `plan`: specs, sidecars and benchmark files are read, results are not.
"""
