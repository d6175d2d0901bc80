"""The published side of the catalogue: JSON Schemas and the index page of docs/events."""

import json
from collections.abc import Mapping
from typing import Any, Final

from rules.events.catalogue import CATALOGUE, PROGRAMMES, DomainEvent

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
HEAD: Final = """# Events

CloudEvents 1.0. `id` is the outbox row's, stable across every retry, replay and channel; `source` is `/tenants/{id}`;
`subject` is the entity (`instances/{id}`, `cases/{id}`, `interventions/{id}`); `sequence` sorts in the order of the
tenant's positions; `dataschema` names a schema of this folder. Events are written in the transaction that made them
true. Payloads carry ids, statuses, stage keys and dates, never a name, a register code or a reason.

`docs/guides/events.md` says how to read them. Drawn by `make events`; a test compares.

## Out
Every event is in the feed, `GET /api/v1/events`, and goes to the webhooks that want its type. Those marked *conversion*
say that an outcome was reached. The Kafka topics `intervention-events` and `conversion-events` are not built yet.

| type | in the requirements | emitted by | schema |
|---|---|---|---|
"""


def schema_id(event_type: str) -> str:
    """The name an event carries in `dataschema`."""
    return f"urn:handrail:schema:{event_type}"


def file_name(event: DomainEvent) -> str:
    """The file of an event's schema."""
    return f"{event.name}.v{event.version}.json"


def schema(event: DomainEvent) -> Mapping[str, Any]:
    """The JSON Schema of an event's `data`."""
    said = event.payload.model_json_schema(mode="serialization")
    return {"$schema": DIALECT, "$id": schema_id(event.type), **said, "title": event.name}


def _line(event: DomainEvent) -> str:
    by = f"`{event.emitted_by}`" if event.emitted_by else f"nobody yet: comes with {PROGRAMMES}"
    mark = " (*conversion*)" if event.conversion else ""
    named = event.requirement or "-"
    return f"| `{event.type}`{mark} | {named} | {by} | [{event.name}]({file_name(event)}) |\n"


def files() -> Mapping[str, str]:
    """Everything in docs/events, by file name."""
    drawn = {file_name(event): _json(schema(event)) for event in CATALOGUE}
    return {"index.md": HEAD + "".join(map(_line, CATALOGUE)), **drawn}


def _json(said: Mapping[str, Any]) -> str:
    return json.dumps(said, indent=1, ensure_ascii=False) + "\n"
