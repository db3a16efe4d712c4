"""Usage: python send_bernhard.py HOST PORT"""
import sys

import bernhard

host, port = sys.argv[1], int(sys.argv[2])
event = {"host": "web1", "time": 1700000000}
client = bernhard.Client(host=host, port=port)
client.send(dict(service="bernhard int", state="ok", metric=7, **event))
client.send(dict(service="bernhard a", metric=1, **event), dict(service="bernhard full", state="critical", metric=2.5,
            description="slow", tags=["http", "slow"], ttl=20, attributes={"foo": "bar"}, **event))
found = client.query('service = "seed"')
assert [e.description for e in found] == ["sown"], found
udp = bernhard.Client(host=host, port=port, transport=bernhard.UDPTransport)
udp.send(dict(service="bernhard udp", metric=1.5, **event))
