"""Programs that run inside SageMaker's jobs. They import nothing but the standard library."""
