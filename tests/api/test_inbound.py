"""Events of other systems over HTTP: one or a batch, by either media type, for integrations of the whole tenant."""

import json
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from models.inbound import InboundEvent
from rules.events.inbound import INBOUND
from tests.api.district import NOW, District
from tests.api.viewed import viewed
from tests.services.told import Telling, said, tellings

pytestmark = pytest.mark.servers


def event(**more: Any) -> dict[str, Any]:
    head = {
        "specversion": "1.0",
        "id": uuid4().hex,
        "source": "https://mis.example.org",
        "time": "2026-11-20T09:00:00Z",
    }
    data = {"student_id": uuid4().hex, "first_name": "Ida"}
    return {**head, "type": "org.handrail.inbound.StudentChanged.v1", "data": data, **more}


def test_one_event_is_taken_in_once(district: District) -> None:
    one = event()
    answers = [district.post("/events/inbound", "integration", json=one) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.json()["results"][0]["result"] for answer in answers] == ["applied", "duplicate"]


@pytest.mark.parametrize(
    ("media", "many"),
    [("application/cloudevents+json; charset=utf-8", 1), ("application/cloudevents-batch+json", 3)],
)
def test_the_media_types_of_cloudevents_are_read(district: District, media: str, many: int) -> None:
    sent: Any = [event() for _ in range(many)]
    body = json.dumps(sent if many > 1 else sent[0])
    answer = district.post("/events/inbound", "integration", content=body, headers={"Content-Type": media})
    assert [one["result"] for one in answer.json()["results"]] == ["applied"] * many


def test_a_batch_is_answered_event_by_event_and_a_single_refusal_by_its_status(district: District) -> None:
    bad = event(data={"student_id": "x", "favourite_colour": "blue"})
    good = event()
    answer = district.post("/events/inbound", json=[bad, good])
    assert answer.status_code == 200
    first, second = answer.json()["results"]
    assert (first["result"], first["code"], second["result"]) == ("refused", "event_data_invalid", "applied")
    assert "data.favourite_colour" in first["fields"]
    alone = district.post("/events/inbound", json=bad)
    assert (alone.status_code, alone.json()["code"]) == (422, "event_data_invalid")
    assert "body.data.favourite_colour" in alone.json()["fields"]


@pytest.mark.parametrize("sent", [[], "text", 7, None, [event() for _ in range(101)]])
def test_what_is_no_event_is_refused_in_words(district: District, sent: Any) -> None:
    answer = district.post("/events/inbound", json=sent)
    assert answer.status_code == (200 if sent == [] else 422)


@pytest.mark.parametrize("person", ["school_leader", "attendance_officer", "teacher", "auditor", "guardian"])
def test_people_of_a_school_send_no_events(district: District, person: str) -> None:
    assert district.post("/events/inbound", person, json=event()).status_code == 403


def test_whose_event_came_in_is_said_and_whoever_reads_it_saw_the_child(district: District) -> None:
    ann, bob = district.ours.students["ann"], district.ours.students["bob"]
    moved = {"student_id": "ann", "school_id": "oak", "spans": [{"start_date": "2026-09-01"}]}
    record = {"record_id": uuid4().hex, "student_id": "bob", "school_id": "oak", "category": "LATE"}
    record["occurred_at"] = "2026-11-20T08:00:00Z"
    score = {"student_id": "ann", "model": "m", "model_version": "1", "score": "0.5", "predicted_at": NOW.isoformat()}
    sent = [
        event(type="org.handrail.inbound.EnrolmentChanged.v1", data=moved),
        event(type="org.handrail.inbound.BehaviourRecorded.v1", data=record),
        event(type="org.handrail.inbound.RiskPredicted.v1", data=score),
        event(type="org.handrail.inbound.EnrolmentChanged.v1", data=moved | {"student_id": "nobody"}),
    ]
    results = district.post("/events/inbound", "integration", json=sent).json()["results"]
    assert [one["result"] for one in results] == ["applied", "applied", "applied", "refused"], results
    for person in ("integration", "district_admin"):
        answer = district.get("/events/inbound?limit=200", person)
        about = {one["event_id"]: (one["status"], one["student_id"]) for one in answer.json()["items"]}
        assert [about[one["id"]] for one in sent] == [
            ("APPLIED", str(ann)),
            ("APPLIED", str(bob)),
            ("APPLIED", str(ann)),
            ("REFUSED", None),
        ]
        assert {ann, bob} <= viewed(district, answer)
    for person in ("school_leader", "teacher", "auditor"):
        assert district.get("/events/inbound", person).status_code == 403


def test_what_came_in_is_listed_page_by_page_for_its_own_tenant(district: District) -> None:
    mine = event()
    assert district.post("/events/inbound", "integration", json=mine).status_code == 200
    refused = event(type="org.handrail.inbound.GuardianLinkChanged.v1", data={"student_id": "no", "guardian_id": "no"})
    district.post("/events/inbound", "integration", json=[refused])
    listed = district.get("/events/inbound?limit=200").json()["items"]
    assert mine["id"] in {one["event_id"] for one in listed}
    only = district.get("/events/inbound?status=REFUSED&limit=200").json()["items"]
    assert {one["status"] for one in only} == {"REFUSED"}
    assert refused["id"] in {one["event_id"] for one in only}
    theirs = district.get("/events/inbound?limit=200", tenancy=district.theirs).json()["items"]
    assert mine["id"] not in {one["event_id"] for one in theirs}
    first = district.get("/events/inbound?limit=1").json()
    second = district.get(f"/events/inbound?limit=1&cursor={first['next_cursor']}").json()
    assert first["items"] != second["items"]


def kept(district: District, telling: Telling) -> list[Any]:
    """What the tables hold of it, as the tellings write it."""

    async def read() -> Any:
        async with district.sessions.tenant(district.theirs.id) as session:
            return await telling.seen(session)

    return [said(value) for value in district.run(read())]


def test_every_type_is_taken_in_once_and_in_any_order(district: District) -> None:
    """To the other tenant, which no other test here looks at."""
    every = tellings("oak")
    assert [one.name for one in every] == [one.name for one in INBOUND]
    newer, older = ([one.event(later=later) for one in every] for later in (True, False))
    for sent, result in ((newer[::-1], "applied"), (older, "superseded"), (newer, "duplicate"), (older, "duplicate")):
        answer = district.post("/events/inbound", json=sent, tenancy=district.theirs)
        assert answer.status_code == 200, answer.text
        results = dict(zip((one["type"] for one in sent), answer.json()["results"], strict=True))
        for telling in every:
            came = results[f"org.handrail.inbound.{telling.name}.v1"]
            assert came["result"] == (result if telling.ordered or result != "superseded" else "applied"), came
            assert kept(district, telling) == telling.kept, telling.name

    async def remembered() -> int:
        async with district.sessions.tenant(district.theirs.id) as session:
            ids = [one["id"] for one in newer + older]
            return len((await session.scalars(select(InboundEvent).where(InboundEvent.event_id.in_(ids)))).all())

    assert district.run(remembered()) == 2 * len(every)


NESTED: Any = {}
for _ in range(200):
    NESTED = {"deeper": NESTED}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"id": "a\0b"}, "id"),
        ({"id": "a\ud800b"}, "id"),
        ({"source": "\ud800"}, "source"),
        ({"type": "a\0b"}, "type"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "time"),
        ({"time": "9999-12-31T23:59:59-14:00"}, "time"),
        ({"data": NESTED}, "data"),
        ({"data": {"student_id": "a", "a\0b": 1}}, "data.a\ufffdb"),
        ({"data": {"student_id": "a", "deleted_at": "9999-12-31T23:59:59-14:00"}}, "data.deleted_at"),
    ],
)
def test_what_no_database_keeps_or_gives_back_is_refused_alone(
    district: District, wrong: dict[str, Any], named: str
) -> None:
    good = event()
    body = json.dumps([event(**wrong), good])
    answer = district.post("/events/inbound", "integration", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    refused, applied = answer.json()["results"]
    assert (refused["result"], list(refused["fields"]), applied["result"]) == ("refused", [named], "applied")
    assert district.get("/events/inbound?limit=200").status_code == 200
