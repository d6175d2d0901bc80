"""Duties about Ann for the walk over every route, and the rule set's duty that an event opens."""

from typing import Any
from uuid import UUID

from models.duties import Duty
from tests.api.district import NOW, TODAY

DUTIES = [
    {
        "key": "removal",
        "on_event": "removed_from_register",
        "deadline": {"n": 5, "unit": "school_day", "from": "event"},
        "effect": "REPORT",
        "cite": "s.1(2)",
    }
]


def owed(things: dict[str, UUID], own: dict[str, Any], said: str) -> dict[str, Any]:
    """A duty to close, one that stays open and one whose basis is gone; `said` stands in every word of theirs."""
    at = {"known_at": NOW, "checked_at": NOW, "opened_at": NOW, "tripped_on": TODAY, "due_on": TODAY}
    of_law = {"case_id": things["case_id"], "rule_set_key": "walked", "digest": "0" * 64, "cite": "s.1(1)"}
    words = {"said": said, "recipient": said, "basis_reason": said}
    return {
        f"{name}duty_id": Duty(**own, **of_law, **at, **words, duty_key=f"{name}report", effect="REPORT", basis=basis)
        for name, basis in {"": "HOLDS", "open_": "HOLDS", "lost_": "LOST"}.items()
    }
