"""What scripts of examples import of AWS's toolkit, which is in its images: bodies read and written, and no more."""
