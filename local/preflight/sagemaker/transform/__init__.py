"""Batch transform: a model over the objects of S3, each answered by one of its own.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html
"""
