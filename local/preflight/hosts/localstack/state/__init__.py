"""What LocalStack's services hold, kept across stops of the stack: LocalStack's open line has no such thing.

Each service's stores are walked (``containers.py``), pickled (``pickling.py``) and written whenever a request may have
changed them (``keeping.py``); a service takes its own back when it is first needed (``restoring.py``). The pickles are
of LocalStack's and moto's own objects, and run code when they are read: only what this user alone can write is.
S3's objects are files as soon as they are stored: ``../storage.py``. SageMaker's records are documents of their own.
"""
