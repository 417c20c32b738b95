"""A plan is made by the steps before they run; and what AWS refuses meanwhile."""
