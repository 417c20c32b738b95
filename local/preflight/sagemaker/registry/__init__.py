"""The model registry: groups of packages, packages and their approval, and the models that are made of them."""
