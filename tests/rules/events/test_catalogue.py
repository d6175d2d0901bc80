"""The catalogue: every event of the requirements and of the ladder, published as it is, telling nothing personal."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from jsonschema import Draft202012Validator

from rules.events.catalogue import BY_TYPE, CATALOGUE, OF_LADDER, DomainEvent
from rules.events.ladder import MODELS, CaseOutcome, MeetingResult, event_name, published
from rules.events.publishing import files, schema
from rules.ladder.events import EventType, LadderEvent
from rules.ladder.words import StopReason

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "docs" / "events"
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
REQUIRED = {
    "InterventionCreatedEvent",
    "StudentEnrolledInInterventionEvent",
    "StudentEnrolledEvent",
    "InterventionAttendanceRecordedEvent",
    "ProgressNoteAddedEvent",
    "StudentExitedInterventionEvent",
    "InterventionCompletedEvent",
    "TierEscalatedEvent",
    "STAGE_ENTERED",
    "LETTER_SENT",
    "STOPPED",
    "ESCALATED",
}
# what a payload may be made of: text is an id, a date, a word of an enum, a stage key or a role
FREE_TEXT = {"rule_set_key", "duty_key", "stage_key", "stage_type", "actor_role", "over", "to"}


def named(event: DomainEvent) -> str:
    return event.name


def test_every_event_the_requirements_name_is_here() -> None:
    kept = {name.strip() for event in CATALOGUE if event.requirement for name in event.requirement.split(",")}
    assert kept == REQUIRED


def test_every_ladder_event_has_a_type_of_its_own() -> None:
    assert len(BY_TYPE) == len(CATALOGUE)
    assert {event.type for event in OF_LADDER.values()} == {f"org.handrail.{event_name(e)}.v1" for e in EventType}
    assert OF_LADDER[EventType.NO_LONGER_AT_THRESHOLD].type == "org.handrail.NoLongerAtThreshold.v1"


@pytest.mark.parametrize("event", CATALOGUE, ids=named)
def test_the_service_said_to_emit_it_does(event: DomainEvent) -> None:
    if event.emitted_by:
        assert "emit(" in (ROOT / event.emitted_by).read_text()


def test_the_published_documents_are_the_code() -> None:
    drawn = files()
    assert {path.name for path in FOLDER.iterdir()} == set(drawn)
    for name, text in drawn.items():
        assert (FOLDER / name).read_text() == text, f"{name}: run `make events`"


@pytest.mark.parametrize("event", CATALOGUE, ids=named)
def test_a_payload_has_no_place_for_a_name_a_code_or_a_reason(event: DomainEvent) -> None:
    said = schema(event)
    Draft202012Validator.check_schema(said)
    assert said["additionalProperties"] is False
    for name, kind in said["properties"].items():
        assert name.endswith("_id") or not set(name.split("_")) & {
            "name",
            "code",
            "reason",
            "because",
            "note",
            "text",
            "email",
        }
        for one in kind.get("anyOf", [kind]):
            if one.get("type") == "string" and name not in FREE_TEXT:
                assert {"format", "enum", "const"} & set(one), f"{event.name}.{name} could hold any text"


def told(event: LadderEvent) -> dict[str, Any]:
    ids = {name: uuid4() for name in ("event_id", "instance_id", "case_id", "student_id", "school_id")}
    common = {"revision": 1, "stage_key": "letter-1", "stage_type": "LETTER_1", "occurred_at": NOW}
    who = {"actor_id": None, "actor_role": None}
    data = MODELS[event.type].model_validate(ids | common | who | published(event)).model_dump(mode="json")
    Draft202012Validator(schema(OF_LADDER[event.type])).validate(data)
    return data


@pytest.mark.parametrize("event_type", EventType)
def test_what_is_not_listed_stays_inside(event_type: EventType) -> None:
    canary = "Aoife Canary was ill (code I)"
    facts: dict[str, Any] = dict.fromkeys(("because", "error", "reason_text", "note", "today", "considered"), canary)
    assert canary not in str(told(LadderEvent(type=event_type, at=NOW, facts=facts)))
    # the control: a listed fact does get through, so the search above would have seen one
    seen = told(LadderEvent(type=EventType.RELAPSED, at=NOW, facts={"to": canary}))
    assert canary in str(seen)


@pytest.mark.parametrize("reason", StopReason)
def test_why_a_case_ended_is_told_in_three_words_only(reason: StopReason) -> None:
    data = told(LadderEvent(type=EventType.STOPPED, at=NOW, facts={"reason": reason.value}))
    assert data["outcome"] in set(CaseOutcome)
    assert data["outcome"] == "ENDED" or reason in {StopReason.IMPROVED, StopReason.CASE_RESOLVED}


def test_a_medical_plan_is_told_as_a_plan() -> None:
    data = told(LadderEvent(type=EventType.MEETING_OUTCOME_RECORDED, at=NOW, facts={"outcome": "MEDICAL_PLAN"}))
    assert data["result"] == MeetingResult.PLAN_AGREED


def test_a_completed_case_improved() -> None:
    assert told(LadderEvent(type=EventType.COMPLETED, at=NOW, facts={"reason": None}))["outcome"] == "IMPROVED"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    for name, text in files().items():
        (FOLDER / name).write_text(text)


def test_an_outcome_stands_in_two_topics_and_every_event_says_what_it_is_about() -> None:
    about = uuid4()
    for event in CATALOGUE:
        assert event.says, event.name
        assert len(event.topics) == (2 if event.conversion else 1)
        assert event.subject_of(about) == f"{event.subject}/{about}"
