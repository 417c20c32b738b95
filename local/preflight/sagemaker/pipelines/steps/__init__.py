"""What each type of step does."""
