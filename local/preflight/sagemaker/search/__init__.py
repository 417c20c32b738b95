"""Search: AWS's grammar over the resources of every kind that says what it is searched as (``Kind.searched_as``)."""
