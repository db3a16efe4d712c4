"""Usage: python send.py HOST PORT TLSPORT CA"""
import ssl
import sys

from riemann_client.client import Client, QueuedClient
from riemann_client.transport import RiemannError, TCPTransport, UDPTransport


class TLSTransport(TCPTransport):
    """The library's own ends at TLS 1.0, which zeta and most of today's systems refuse."""

    def connect(self):
        super().connect()
        context = ssl.create_default_context(cafile=sys.argv[4])
        self.socket = context.wrap_socket(self.socket, server_hostname=self.host)


host, port, secure = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
event = {"host": "web1", "time": 1700000000}
with Client(TCPTransport(host, port)) as client:
    client.event(service="python int", state="ok", metric_sint64=7, **event)
    client.event(service="python full", state="critical", metric_f=2.5, description="slow", tags=["http", "slow"],
                 ttl=20, attributes={"foo": "bar"}, **event)
    found = client.query('service = "seed"')
    assert [e["description"] for e in found] == ["sown"], found
    try:
        client.query("service =")
        sys.exit("a bad query succeeded")
    except RiemannError as err:
        print(err)
with QueuedClient(TCPTransport(host, port)) as client:
    client.event(service="python queued 1", metric_d=1.25, **event)
    client.event(service="python queued 2", metric_d=-0.0, **event)
    client.flush()
with Client(UDPTransport(host, port)) as client:
    client.event(service="python udp", metric_f=1.5, **event)
with Client(TLSTransport(host, secure)) as client:
    client.event(service="python tls", metric_f=1.5, **event)
    assert [e["description"] for e in client.query('service = "seed"')] == ["sown"]
