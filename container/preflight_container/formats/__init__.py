"""Readers and writers of the record formats, one module each; none knows an algorithm."""
