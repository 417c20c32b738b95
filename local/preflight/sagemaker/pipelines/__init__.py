"""Pipelines: definitions, and the executions that run them step by step."""
