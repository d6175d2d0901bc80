"""The published side of the catalogue: JSON Schemas and the index page of docs/events."""

import json
from collections.abc import Mapping
from typing import Any, Final

from rules.events.catalogue import CATALOGUE, PROGRAMMES, DomainEvent
from rules.events.inbound import INBOUND, InboundEvent

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
HEAD: Final = """# Events

CloudEvents 1.0. `id` is the outbox row's, stable across every retry, replay and channel; `source` is `/tenants/{id}`;
`subject` is the entity (`instances/{id}`, `cases/{id}`, `interventions/{id}`); `sequence` sorts in the order of the
tenant's positions; `dataschema` names a schema of this folder. Events are written in the transaction that made them
true. Payloads carry ids, statuses, stage keys and dates, never a name, a register code or a reason.

`docs/guides/events.md` says how to read them. Drawn by `make events`; a test compares.

## Out
Every event is in the feed, `GET /api/v1/events`, goes to the webhooks that want its type and, where Kafka is set, to
the topic `intervention-events`. Those marked *conversion* say that an outcome was reached; they go to
`conversion-events`, too.

| type | in the requirements | emitted by | schema |
|---|---|---|---|
"""
IN: Final = """
## In
What other systems may send to `POST /api/v1/events/inbound` or by Kafka. `source` and `id` name an event for good;
`time` is when it became true. Ids inside `data` are the source's own.

| type | in the requirements | says | schema |
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
    return _schema(event.type, event.name, event.payload.model_json_schema(mode="serialization"))


def inbound_file(event: InboundEvent) -> str:
    """The file of an inbound event's schema."""
    return f"inbound.{event.name}.v{event.version}.json"


def inbound_schema(event: InboundEvent) -> Mapping[str, Any]:
    """The JSON Schema of what an inbound event's `data` must be."""
    return _schema(event.type, event.name, event.payload.model_json_schema(mode="validation"))


def _schema(event_type: str, name: str, said: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"$schema": DIALECT, "$id": schema_id(event_type), **said, "title": name}


def _line(event: DomainEvent) -> str:
    by = f"`{event.emitted_by}`" if event.emitted_by else f"nobody yet: comes with {PROGRAMMES}"
    mark = " (*conversion*)" if event.conversion else ""
    named = event.requirement or "-"
    return f"| `{event.type}`{mark} | {named} | {by} | [{event.name}]({file_name(event)}) |\n"


def _inbound_line(event: InboundEvent) -> str:
    says = (event.payload.__doc__ or "").partition("\n")[0]
    return f"| `{event.type}` | {event.requirement} | {says} | [{event.name}]({inbound_file(event)}) |\n"


def files() -> Mapping[str, str]:
    """Everything in docs/events, by file name."""
    drawn = {file_name(event): _json(schema(event)) for event in CATALOGUE}
    taken = {inbound_file(event): _json(inbound_schema(event)) for event in INBOUND}
    index = HEAD + "".join(map(_line, CATALOGUE)) + IN + "".join(map(_inbound_line, INBOUND))
    return {"index.md": index, **drawn, **taken}


def _json(said: Mapping[str, Any]) -> str:
    return json.dumps(said, indent=1, ensure_ascii=False) + "\n"
