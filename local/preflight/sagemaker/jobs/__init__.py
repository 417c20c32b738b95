"""What every job is."""
