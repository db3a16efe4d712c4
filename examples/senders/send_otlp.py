"""Usage: python send_otlp.py HOST:PORT — metrics, logs and spans with OpenTelemetry's SDK, over HTTP and then over gRPC."""
import logging
import sys

from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GRPCLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GRPCMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GRPCSpans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HTTPLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HTTPMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HTTPSpans
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Status, StatusCode

door = sys.argv[1]


def send(name, metrics, logs, spans):
    resource = Resource.create({"host.name": "web1", "service.name": name + " shop", "env": "prod"})

    reader = PeriodicExportingMetricReader(metrics, export_interval_millis=3600_000)
    provider = MeterProvider(resource=resource, metric_readers=[reader], shutdown_on_exit=False)
    meter = provider.get_meter("shop")
    requests = meter.create_counter(name + ".requests", unit="1")
    latency = meter.create_histogram(name + ".latency", unit="s", explicit_bucket_boundaries_advisory=[0.1, 0.2, 0.4])
    meter.create_gauge(name + ".queue").set(7, {"queue": "mail"})
    for n in (5, 10):  # rates need two points
        requests.add(n, {"route": "/pay"})
        for seconds in (0.05, 0.15, 0.3):
            latency.record(seconds)
        assert provider.force_flush()
    # No shutdown, which would send a third point that says that nothing has come since.

    provider = LoggerProvider(resource=resource)
    provider.add_log_record_processor(SimpleLogRecordProcessor(logs))
    log = logging.getLogger(name)
    log.addHandler(LoggingHandler(logger_provider=provider))
    log.error("payment %d failed", 4711, extra={"order": 4711})
    provider.shutdown()

    provider = TracerProvider(resource=resource)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    tracer = provider.get_tracer("shop")
    start = 1_700_000_000_000_000_000
    for span, status in ((name + " pay", StatusCode.ERROR), (name + " browse", StatusCode.OK)):
        s = tracer.start_span(span, start_time=start, attributes={"http.route": "/" + span})
        s.set_status(Status(status))
        s.end(end_time=start + 250_000_000)
    provider.shutdown()


url = "http://" + door
send("http", HTTPMetrics(endpoint=url + "/v1/metrics", compression=Compression.Gzip), HTTPLogs(endpoint=url + "/v1/logs"),
     HTTPSpans(endpoint=url + "/v1/traces"))
plain = {"endpoint": door, "insecure": True}
send("grpc", GRPCMetrics(**plain), GRPCLogs(**plain), GRPCSpans(**plain))
