"""What can be wrong with a policy."""


class MalformedPolicy(ValueError):
    """A document is no policy of IAM; the text says why."""
