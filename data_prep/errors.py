"""The errors a person sees: one sentence that says what is wrong, where, and what to do."""


class PrepError(Exception):
    """Something given to data_prep cannot be used."""


class ConfigError(PrepError):
    """The configuration file is wrong; the text names the key."""


class DataError(PrepError):
    """A data file is wrong; the text names the file, and the line and column where they are known."""
