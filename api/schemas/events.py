"""Events as the feed shows them: CloudEvents."""

from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import Field

from api.schemas.shared import OTHER_ID, SOME_ID, Body, shown
from services.events import FeedPage, cloud_event

EVENT = {
    "specversion": "1.0",
    "id": SOME_ID,
    "source": f"/tenants/{OTHER_ID}",
    "type": "org.handrail.StageEntered.v1",
    "subject": f"instances/{OTHER_ID}",
    "time": "2026-11-20T09:30:00Z",
    "datacontenttype": "application/json",
    "dataschema": "urn:handrail:schema:org.handrail.StageEntered.v1",
    "sequence": "00000000000000000042",
    "data": {"instance_id": OTHER_ID, "stage_key": "letter-1", "stage_type": "LETTER_1"},
}


class CloudEventOut(Body):
    """One CloudEvent; `data` has the shape that docs/events publishes for its type."""

    model_config = shown(EVENT)

    specversion: Literal["1.0"]
    id: UUID = Field(description="Stable: the same event has it everywhere and on every try.")
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: Literal["application/json"]
    dataschema: str
    sequence: str = Field(description="Sorts in the order of the tenant's events.")
    data: dict[str, Any]


class EventFeedOut(Body):
    """Some events in order, and where to go on; ask again with `next_cursor` for what comes later."""

    model_config = shown({"items": [EVENT], "next_cursor": "42", "more": False})

    items: list[CloudEventOut]
    next_cursor: str = Field(description="Send it back as `cursor`, now or in a year.")
    more: bool = Field(description="Whether there is more already.")

    @classmethod
    def of(cls, tenant_id: UUID, page: FeedPage) -> Self:
        """A page of the feed as CloudEvents."""
        shaped = [cloud_event(tenant_id, row) for row in page.events]
        items = [CloudEventOut.model_validate({**one.get_attributes(), "data": one.get_data()}) for one in shaped]
        return cls(items=items, next_cursor=str(page.position), more=page.more)
