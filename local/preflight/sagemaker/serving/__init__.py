"""A model made to answer."""
