"""The steps of a deployment, a resource each: it reads what is there, and makes it as wanted."""
