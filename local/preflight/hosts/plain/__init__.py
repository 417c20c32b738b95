"""A server of its own for SageMaker alone; S3, IAM and the rest are asked at another address."""
