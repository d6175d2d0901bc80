"""Merge fields: their types, the standard catalogue, and how a template declares its own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rules.errors import Invalid

NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")


class FieldType(StrEnum):
    """How a value is checked and written out; the JSON form of the value is given in brackets."""

    TEXT = "text"  # ["any words"]
    PERSON = "person"  # ["Ms Siobhán Ní Bhriain"]
    SENTENCE = "sentence"  # ["We do not know why yet."]
    PHONE = "phone"  # ["+353 1 555 0134"], never broken over two lines
    NUMBER = "number"  # [12] or ["84.2"]
    DATE = "date"  # ["2026-11-03"]
    TIME = "time"  # ["2026-11-03T14:30"], the school's local time
    DATES = "dates"  # [["2026-11-03", "2026-11-05 AM"]]
    LINES = "lines"  # [["14 Main Street", "Dublin 8"]]


@dataclass(frozen=True)
class FieldSpec:
    """One merge field as a template's author sees it."""

    type: FieldType
    label: str = ""


_TYPES = {
    "school_name": (FieldType.TEXT, "Name of the school"),
    "school_address": (FieldType.LINES, "Address of the school"),
    "school_phone": (FieldType.PHONE, "Telephone number of the school"),
    "guardian_name": (FieldType.PERSON, "Name of the one person this letter is for"),
    "guardian_address": (FieldType.LINES, "That person's own address"),
    "letter_date": (FieldType.DATE, "Date of the letter"),
    "reference": (FieldType.TEXT, "Reference of the letter: says nothing about the child"),
    "contact_name": (FieldType.PERSON, "The one person to ask"),
    "contact_role": (FieldType.TEXT, "That person's role at the school"),
    "contact_phone": (FieldType.PHONE, "That person's direct number"),
    "salutation": (FieldType.TEXT, "Dear Ms Murphy"),
    "student_first_name": (FieldType.PERSON, "First name of the child"),
    "absence_count": (FieldType.NUMBER, "Absences that count, in days"),
    "absence_days": (FieldType.SENTENCE, "The same with its noun: 5 days, 1 day, 4.5 days"),
    "absence_dates": (FieldType.DATES, "The dates that count, with AM or PM for half days"),
    "unexplained_count": (FieldType.NUMBER, "Absences without an accepted reason so far"),
    "period_start": (FieldType.DATE, "First day that was looked at"),
    "period_end": (FieldType.DATE, "Last day that was looked at"),
    "reason_sentence": (FieldType.SENTENCE, "Whether reasons are known: status only, never the reason"),
    "attendance_percent": (FieldType.NUMBER, "Attendance in the period"),
    "previous_letter_date": (FieldType.DATE, "Date of the letter before, or of the letter taken back"),
    "meeting_time": (FieldType.TIME, "When the meeting starts"),
    "meeting_place": (FieldType.TEXT, "Where the meeting is held"),
    "meeting_minutes": (FieldType.NUMBER, "How long the meeting takes"),
    "reply_by": (FieldType.DATE, "Last day for an answer"),
    "next_step": (FieldType.SENTENCE, "What happens next"),
    "agency_name": (FieldType.TEXT, "The service that is asked to help"),
    "review_date": (FieldType.DATE, "When we look again together"),
    "support_so_far": (FieldType.LINES, "What was offered to this guardian in this case, with its day"),
    "notice_weeks": (FieldType.NUMBER, "For how many school weeks a notice runs"),
    "notice_until": (FieldType.DATE, "The day before which a notice does not end"),
    "sufficient_improvement": (FieldType.LINES, "What improvement is sufficient under a notice"),
    "early_grounds": (FieldType.LINES, "What ends a notice before its time"),
    "plan_aims": (FieldType.LINES, "What the family and the school want, in their own words"),
    "plan_actions": (FieldType.LINES, "Who does what, until when"),
    "plan_adjustments": (FieldType.LINES, "What school makes easier"),
}
STANDARD_FIELDS: Mapping[str, FieldSpec] = {name: FieldSpec(kind, label) for name, (kind, label) in _TYPES.items()}
FRAME_FIELDS = tuple(list(_TYPES)[:10])
"""Printed around every letter, so every letter needs them, used in the body or not."""


def read_schema(document: Mapping[str, Any] | None) -> dict[str, FieldSpec]:
    """The standard catalogue and the template's own fields, `{"bus_route": {"type": "text", "label": "..."}}`."""
    fields, problems = dict(STANDARD_FIELDS), {}
    for name, declared in (document or {}).items():
        try:
            fields[name] = _declared(name, declared)
        except ValueError as reason:
            problems[f"merge_field_schema.{name}"] = str(reason)
    if problems:
        raise Invalid("template_invalid", "The merge fields of this template are not valid.", fields=problems)
    return fields


def _declared(name: str, declared: Any) -> FieldSpec:
    if not NAME.fullmatch(name):
        raise ValueError("is not a field name: use small letters, digits and _")
    kind = declared.get("type") if isinstance(declared, Mapping) else declared
    if kind not in {item.value for item in FieldType}:
        raise ValueError(f"needs a type: one of {', '.join(FieldType)}")
    standard = STANDARD_FIELDS.get(name)
    if standard and standard.type != kind:
        raise ValueError(f"is a standard field of type {standard.type.value}: use that type or another name")
    label = declared.get("label", "") if isinstance(declared, Mapping) else ""
    return FieldSpec(FieldType(kind), str(label))
