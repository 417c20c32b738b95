"""What is in the images of frameworks: a table of tags, and a file of pins for each."""
