"""A prepared stack in one file, to be shared: what made it, as documents and AWS's requests, never as code to be read.

SageMaker's resources are the documents that a stack keeps of them. All else is made anew by the requests that a person
would send: ``services/`` reads what there is and writes them down, ``importing.py`` checks and sends them.
"""
