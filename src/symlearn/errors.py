"""The errors that a user is meant to read: one line, what is wrong and what to do."""


class SymlearnError(Exception):
    """A fault in the input, the config or the machine; its text is the whole message."""


class ConfigError(SymlearnError):
    """A key of the config is unknown, out of range or of the wrong type."""


class DataError(SymlearnError):
    """A data file is missing, damaged or not what it claims to be."""


class StoreError(SymlearnError):
    """A result or spec file is missing, damaged or of another schema."""


class TrainingError(SymlearnError):
    """Training cannot go on: no such device, no memory, no finite loss, a foreign checkpoint."""


class IllConditionedError(SymlearnError):
    """A Gram matrix is singular to working precision, so its regression has no answer."""


class IllConditionedWarning(UserWarning):
    """A Gram matrix is so badly conditioned that digits of its errors are lost."""
