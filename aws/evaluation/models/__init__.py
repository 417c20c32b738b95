"""The files that the built-in algorithms leave: read as data, by nothing that could run what is in them."""
