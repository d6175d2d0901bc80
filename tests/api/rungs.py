"""What rungs have left about Ann, for the walk over every route."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from models.plans import SupportPlan
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
