"""What the worker's composition root runs beside the worker itself."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

import worker
from models.session import Sessions, engine_for
from settings import Settings

NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:1/none"


@pytest.mark.parametrize(
    ("servers", "topics", "runs"),
    [
        (None, "prediction-results", []),
        ("127.0.0.1:1", "", ["KafkaOutlet.run"]),
        ("127.0.0.1:1", "students, prediction-results", ["KafkaOutlet.run", "KafkaInlet.run"]),
    ],
)
def test_kafka_is_carried_out_and_in_as_the_settings_say(servers: str | None, topics: str, runs: list[str]) -> None:
    settings = Settings.load(attach=False).model_copy(update={"kafka_servers": servers, "kafka_topics": topics})

    async def named() -> list[str]:
        loops = worker.kafka_loops(settings, Sessions(engine_for(NOWHERE)), CollectorRegistry())
        return [loop.__qualname__ for loop in loops]

    assert asyncio.run(named()) == runs


def test_a_look_begins_after_its_pause_and_ends_when_told() -> None:
    seen: list[str] = []

    async def story() -> None:
        stop = asyncio.Event()

        async def look(name: str) -> None:
            seen.append(name)
            if name == "later":
                stop.set()

        first = worker.every(stop, 3600.0, lambda: look("at once"))
        second = worker.every(stop, 3600.0, lambda: look("later"), after=0.05)
        third = worker.every(stop, 3600.0, lambda: look("never"), after=3600.0)
        await asyncio.wait_for(asyncio.gather(first, second, third), 60)

    asyncio.run(story())
    assert seen == ["at once", "later"]
