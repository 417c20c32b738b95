"""The table every resource lives in."""
