"""S3 in and out."""
