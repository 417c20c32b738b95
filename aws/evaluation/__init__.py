"""How well a deployed model answers: its answers to held-out rows, and what is measured on them."""
