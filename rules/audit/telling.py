"""How an act of the trail is told in an extract: in whose words, with or without its reason, or not at all."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

_CODE: Final = re.compile(r"[a-z]+(_[a-z0-9]+)+")
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")
# What an extract for a plan or a referral tells of. Guardians' details, contact stops, care flags, disclosures and
# whatever comes later stay out of it until somebody has thought about them here. Referrals stay out for good: each is
# about one guardian, and the extract may be read by another.
TOLD_KINDS: Final = frozenset(
    {"instance", "case", "task", "meeting", "contact", "message", "letter_artifact", "escalation", "student", "mark"}
)
# Reasons about a child's health or family stay with those acts: an exemption, a reason for absence
WITHOUT_REASON: Final = frozenset({"student", "message", "mark"})
# Values that say nothing about health or family; beside them, another field is told by its name only
PLAIN_FIELDS: Final = frozenset({"status", "tier", "starts_at", "recipients"})
# Looks and bookkeeping: they are in the trail, they are nothing that was done for the child
LEFT_OUT: Final = frozenset({"read_artifact", "extract_audit", "export_audit", "project"})
WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "start_instance": "Put on the ladder by hand",
        "reopen_instance": "Taken up again",
        "approved": "Step approved",
        "approval_withdrawn": "Approval taken back",
        "skipped": "Step left out",
        "jumped": "Step passed over",
        "held": "Paused",
        "resumed": "Went on",
        "reassigned": "Given to a colleague",
        "stopped": "Ended",
        "completed": "Completed",
        "escalated": "Escalated",
        "escalate": "Escalated",
        "exit_confirmed": "Exit confirmed",
        "exit_rejected": "Exit not agreed",
        "relapse_refused": "Relapse not confirmed",
        "basis_kept": "Step kept after a correction of the register",
        "step_rescinded": "Step taken back",
        "rescind_steps": "Steps taken back",
        "ruleset_applied": "Moved to another version of the rules",
        "close_case": "Walk closed",
        "resolve_case": "Case settled",
        "create_task": "Task written down",
        "open_task": "Task opened",
        "complete_task": "Task done",
        "record_contact": "Contact with the family",
        "contact_recorded": "Contact heard by the case",
        "plan_letters": "Letters planned",
        "store_artifact": "Letter written",
        "send_message": "Letter or message sent",
        "withhold_message": "Message held back",
        "refused_message": "Message not accepted by the mail server",
        "record_delivery": "Letter handed over or posted",
        "delivery_recorded": "Delivery heard by the case",
        "book_meeting": "Meeting offered",
        "schedule_meeting": "Meeting booked",
        "move_meeting": "Meeting moved",
        "invite": "Invitation sent",
        "cancel_meeting": "Meeting cancelled",
        "note_meeting": "Meeting notes written",
        "record_meeting_outcome": "Outcome of the meeting recorded",
        "meeting_outcome_recorded": "Outcome heard by the case",
        "set_exemptions": "Exemptions changed",
        "record_absence_reason": "Reason for absence recorded",
        "correct": "Register corrected",
    }
)


def told(verb: str, subject_kind: str) -> bool:
    """Whether an extract tells of an act at all."""
    return subject_kind in TOLD_KINDS and verb not in LEFT_OUT


def words(verb: str) -> str:
    """What was done, as staff would say it; a verb nobody has put in words yet is told by its name."""
    return WORDS.get(verb, verb.replace("_", " ").capitalize())


def why(subject_kind: str, reason: str | None) -> str:
    """The reason, unless acts of this kind keep theirs; what Handrail wrote as a code is told as words."""
    if subject_kind in WITHOUT_REASON or reason is None:
        return ""
    return reason.replace("_", " ") if _CODE.fullmatch(reason) else reason


def changes(fields: Sequence[str], before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """`status: OPEN to DONE`; of a field that may hold confidences, only that it changed."""
    said = [_change(name, before, after) for name in fields if name in PLAIN_FIELDS]
    others = [name.replace("_", " ") for name in fields if name not in PLAIN_FIELDS]
    if said and others:
        said.append(f"also: {', '.join(others)}")
    return "; ".join(said)


def _change(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    label = name.replace("_", " ")
    if name not in before and name not in after:
        return f"{label} (erased)"
    old, new = before.get(name), _shown(after.get(name))
    return f"{label}: {new}" if old is None else f"{label}: {_shown(old)} to {new}"


def _shown(value: object) -> str:
    """Instants to the minute, and words instead of codes."""
    if isinstance(value, str):
        if _INSTANT.match(value):
            at = datetime.fromisoformat(value).astimezone(UTC)
            return f"{at:%Y-%m-%d %H:%M} UTC"
        return value.replace("_", " ").lower()
    return str(value)
