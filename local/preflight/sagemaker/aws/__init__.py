"""The other services as SageMaker sees them."""
