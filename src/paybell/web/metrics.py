"""``/metrics``: what the steps have counted and what waits, as Prometheus reads it."""

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from paybell.web.context import WebContext

_NAMES: Final = {
    "receive": ("paybell_notifications", "Webhook requests, by what became of them; 'received' counts all."),
    "record": ("paybell_records", "Notifications read, by what became of them."),
    "deliver": ("paybell_attempts", "Tries to deliver, by how they ended."),
    "keep": ("paybell_keeping", "Dead nodes taken over from, leases taken back, and what was dropped."),
    "reconcile": ("paybell_fetches", "Questions to gateways' APIs, by how they ended."),
}


class Metrics:
    """A registry of its own, so that a program which mounts Paybell keeps its metrics apart."""

    def __init__(self, context: WebContext) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Steps(context))

    def render(self, accept: str) -> tuple[bytes, str]:
        """The exposition and its content type; OpenMetrics where ``accept`` asks for it."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type


class _Steps(Collector):
    def __init__(self, context: WebContext) -> None:
        self._context = context

    def collect(self) -> Iterator[Metric]:
        for step, counts in self._context.counts().items():
            name, text = _NAMES.get(step, (f"paybell_{step}", f"What {step} has done, by outcome."))
            counter = CounterMetricFamily(name, text, labels=["outcome"])
            for outcome, count in counts.items():
                counter.add_metric([outcome], count)
            yield counter
        for name, value in self._context.gauges().items():
            yield GaugeMetricFamily(f"paybell_{name}", f"{name.replace('_', ' ').capitalize()} now.", value=value)
        info = GaugeMetricFamily("paybell_info", "The version that runs.", labels=["version"])
        info.add_metric([self._context.version], 1)
        yield info
