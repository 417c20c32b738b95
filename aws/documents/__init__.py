"""What is written for those who use the API."""
