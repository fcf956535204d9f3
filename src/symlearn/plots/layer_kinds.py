"""How the types of layers look (`symlearn.measures.layer_kinds`), in every figure alike."""

# True types of layers, by the colour and marker that they have.
LOOKS = {
    "convolution": ("#E69F00", "o"),
    "strided convolution": ("#D55E00", "s"),
    "pooling": ("#009E73", "^"),
    "nonlinearity": ("#0072B2", "D"),
    "norm": ("#999999", "v"),
    "patch embedding": ("#B8A600", "P"),
    "attention": ("#CC79A7", "X"),
    "token mixing": ("#7A3E9D", "*"),
    "addition": ("#56B4E9", "<"),
    "dense": ("#000000", ">"),
    "scaling": ("#8C564B", "h"),
    "reshaping": ("#5F6B2F", "d"),
    "other": ("#BBBBBB", "x"),
}
