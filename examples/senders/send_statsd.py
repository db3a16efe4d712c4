"""Usage: python send_statsd.py HOST PORT — the same door with statsd's own kinds, then with DogStatsD's."""
import sys

from datadog.dogstatsd import DogStatsd
from statsd import StatsClient, TCPStatsClient

host, port = sys.argv[1], int(sys.argv[2])

plain = StatsClient(host, port, prefix="plain")
plain.incr("orders", 3)
plain.gauge("queue", 17)
plain.gauge("queue", -2, delta=True)
plain.timing("latency", 320)
plain.set("users", "anna")

stream = TCPStatsClient(host, port, prefix="stream")
stream.incr("orders", 4)
stream.close()

dog = DogStatsd(host=host, port=port, constant_tags=["env:prod"], disable_telemetry=True, disable_buffering=True)
dog.increment("dog.orders", 6, sample_rate=1, tags=["region:eu", "urgent"])
dog.gauge("dog.queue", 2.5, tags=["host:web2"])
dog.histogram("dog.size", 12)
dog.distribution("dog.wait", 0.5)
dog.set("dog.users", "anna")
dog.event("deploy", "version 7 is out\nand runs", alert_type="warning", date_happened=1700000000, hostname="web2")
dog.service_check("dog.database", dog.CRITICAL, timestamp=1700000000, hostname="web2", message="it does not answer")
