"""The ``preflight`` command."""
