"""Lambda functions as processes."""
