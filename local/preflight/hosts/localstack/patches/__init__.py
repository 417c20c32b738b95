"""What of LocalStack is mended, each mend in a module of its own."""
