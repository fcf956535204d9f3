"""One file per figure.

Each has the constants TITLE and NEEDS (the studies it reads, with the labels of the cells it
wants, read by `symlearn.plan` without importing the file) and the functions

- `gather(inputs)`: from the studies' datasets to the plotted data, in named groups;
- `measure(plotted)`: the quantities that claims refer to, by name;
- `draw(plotted, measured)`: the figure, from the plotted data and the quantities alone;
- `caption(plotted)`: what is shown and what was done differently from the paper.
"""
