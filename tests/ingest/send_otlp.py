"""Sends log records by OpenTelemetry's SDK: ENDPOINT COUNT COMPRESSION. Every third holds a code."""

import logging
import sys

from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

endpoint, count, compression = sys.argv[1], int(sys.argv[2]), sys.argv[3]
exporter = OTLPLogExporter(endpoint=endpoint, compression=Compression(compression), timeout=30)
provider = LoggerProvider(resource=Resource.create({"service.name": "shop", "k8s.namespace.name": "prod"}))
provider.add_log_record_processor(BatchLogRecordProcessor(exporter, max_queue_size=1 << 20, max_export_batch_size=500))
set_logger_provider(provider)
logger = logging.getLogger("shop")
logger.setLevel(logging.INFO)
logger.propagate = False
logger.addHandler(LoggingHandler(logger_provider=provider))
with TracerProvider().get_tracer("test").start_as_current_span("call") as span:
    trace = format(span.get_span_context().trace_id, "032x")
    for number in range(count):
        if number % 3 == 0:
            logger.error("call failed: CCE.01400007 of request %d", number, extra={"error.kind": "quota", "n": number})
        else:
            logger.info("fine %d", number)
assert provider.force_flush(60_000)
provider.shutdown()
print(trace)
