"""LocalStack's web server, listening where it is told to.

LocalStack 2026.3.0 listens on every address of the machine whatever ``GATEWAY_LISTEN`` says, and goes on without a
port it cannot have. This one listens on the given address only, and a port it cannot have ends the start.
"""

from localstack.config import HostAndPort
from localstack.runtime.server.core import RuntimeServerPlugin
from localstack.runtime.server.twisted import TwistedRuntimeServer
from rolo.gateway import Gateway
from rolo.serving.twisted import TwistedGateway
from twisted.internet import reactor


class PreflightRuntimeServerPlugin(RuntimeServerPlugin):
    """Chosen with ``GATEWAY_SERVER=preflight``."""

    name = "preflight"

    def load(self, *args: object, **kwargs: object) -> TwistedRuntimeServer:
        return LoopbackServer()


class LoopbackServer(TwistedRuntimeServer):
    """Plain HTTP on each address of ``listen``, and on no other."""

    def register(self, gateway: Gateway, listen: list[HostAndPort], ssl_creds: tuple[str, str] | None = None) -> None:
        site = TwistedGateway(gateway)
        for address in listen:
            reactor.listenTCP(address.port, site, interface=address.host)
