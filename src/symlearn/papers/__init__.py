"""One wing for each paper: what is the paper's own, and nothing else; see `symlearn.wings`."""
