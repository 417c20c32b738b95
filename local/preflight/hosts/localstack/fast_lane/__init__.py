"""The short way of the requests that must be quick: SageMaker's, and those to REST APIs.

Twisted listens, and every connection begins with it. One whose first bytes promise such a request is lent to a thread,
which reads, answers and waits for the next with blocking calls, without an event loop and without another thread to
wake. The connection comes back when nothing more is asked for a while; and at the first request that is anything but
plain, with the bytes of that request as if nobody had read them: then it is Twisted's for good. So all that is rare
(other services, bodies in chunks, slow clients, ``Expect``, ``Upgrade``, what is no HTTP) is answered in one place,
which needs no help from here.
"""
