"""Projects of people's own, made from the example application."""
