"""Usage: python send_nats.py HOST:PORT"""
import asyncio
import json
import sys

import nats


async def main():
    c = await nats.connect("nats://" + sys.argv[1])
    event = {"host": "web1", "service": "nats disk", "state": "warning", "metric": 0.9, "tags": ["disk"], "time": "2023-11-14T22:13:20Z", "env": "prod"}
    answer = await c.request("events.disk", json.dumps(event).encode(), timeout=10)
    assert json.loads(answer.data) == {}, answer.data
    await c.publish("events.cpu.user", b'{"host": "web1", "metric": 3}')
    refused = await c.request("events.bad", b'{"host": 7}', timeout=10)
    print(json.loads(refused.data)["error"])
    await c.drain()


asyncio.run(main())
