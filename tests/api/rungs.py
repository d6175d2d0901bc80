"""What rungs have left about Ann, for the walk over every route."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from models.instances import Event, Instance
from models.plans import SupportPlan
from models.referrals import Referral
from tests.api.district import NOW, TODAY


def planned(things: dict[str, UUID], own: dict[str, Any], words: str) -> dict[str, Any]:
    """A plan to write, one to agree on and one that is agreed; `words` stand in everything they say."""
    of_case = {"case_id": things["case_id"], "instance_id": things["instance_id"], "opened_at": NOW, "due_on": TODAY}
    signed = [{"party": party, "signed_on": TODAY.isoformat()} for party in ("SCHOOL", "STUDENT")]
    said = {
        "aims": [{"party": "STUDENT", "words": words}],
        "actions": [{"party": "SCHOOL", "what": words, "due_on": TODAY.isoformat()}],
        "adjustments": [words],
        "signatures": signed,
        "review_on": TODAY + timedelta(days=28),
        "reason": words,
    }
    states = {"": {}, "whole_": {}, "agreed_": {"status": "AGREED", "agreed_on": TODAY}}
    return {
        f"{name}plan_id": SupportPlan(**own, **of_case, **said, **state, effect_key=f"walk/{name}plan")
        for name, state in states.items()
    }


def shaken(things: dict[str, UUID], own: dict[str, Any]) -> dict[str, Any]:
    """A walk on a ladder of its own whose reason a correction took away."""
    walk = uuid4()
    return {
        "shaken_id": Instance(
            id=walk,
            school_year="2026-27",
            student_id=own["student_id"],
            lead_school_id=things["school_id"],
            case_id=things["case_id"],
            rule_set_key="shaken",
            rule_set_version_id=things["active_version_id"],
            digest="0" * 64,
            status="ACTIVE",
            phase="ON_HOLD",
            hold_kind="basis",
            started_at=NOW,
        ),
        "shaken_event_id": Event(
            **own,
            instance_id=walk,
            case_id=things["case_id"],
            type="TRIGGER_INVALIDATED",
            occurred_at=NOW,
            data={"because": "8 days of absence instead of 10", "before absent_days": 20, "after absent_days": 16},
        ),
    }


def referred(things: dict[str, UUID], own: dict[str, Any], words: str) -> dict[str, Any]:
    """A referral to get ready, one that is sent and one that is acknowledged; it needs the pack that went with them."""
    of_case = {"case_id": things["case_id"], "instance_id": things["instance_id"], "opened_at": NOW, "due_on": TODAY}
    to = {"guardian_id": things["guardian_id"], "referred_to": "AUTHORITY", "recipient": words, "stage_key": "referral"}
    sent = {"pack_id": things["pack_id"], "sent_on": TODAY, "sent_by_way": "post", "reason": words}
    states: dict[str, dict[str, Any]] = {
        "": {},
        "sent_": {**sent, "status": "SENT"},
        "arrived_": {**sent, "status": "ACKNOWLEDGED", "acknowledged_on": TODAY, "reference": words},
    }
    return {
        f"{name}referral_id": Referral(**own, **of_case, **to, **state, effect_key=f"walk/{name}referral")
        for name, state in states.items()
    }
