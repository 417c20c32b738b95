"""What carries requests to SageMaker: LocalStack, or a server of its own."""
