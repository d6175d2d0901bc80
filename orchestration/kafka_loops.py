"""What a worker with a Kafka broker runs beside everything else; loaded only there, as the client is large."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from prometheus_client import CollectorRegistry

from gateways.kafka import KafkaPublisher, KafkaReader
from gateways.kafka_address import KafkaAddress
from models.session import Sessions
from orchestration.kafka import Clock, KafkaInlet, KafkaMetrics, KafkaOutlet

Loop = Callable[[asyncio.Event], Coroutine[Any, Any, None]]


def kafka_loops(
    where: KafkaAddress,
    topics: Sequence[str],
    group: str,
    sessions: Sessions,
    clock: Clock,
    registry: CollectorRegistry,
) -> list[Loop]:
    """Out, and in if topics are named."""
    metrics = KafkaMetrics(registry)
    outlet = KafkaOutlet(sessions, KafkaPublisher(where), clock, metrics)
    if not topics:
        return [outlet.run]
    inlet = KafkaInlet(sessions, KafkaReader(where, topics, group), clock, metrics)
    return [outlet.run, inlet.run]
