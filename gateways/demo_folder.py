"""What the demo district's folder holds beside the canonical tables: staff, care flags, exemptions, rules, ..."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rules.errors import Invalid


@dataclass(frozen=True, slots=True)
class StaffRow:
    """A member of staff; no schools = all of them."""

    person_id: str
    name: str
    role: str
    schools: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReachRow:
    """Whom one persona reaches: a CLASS, a student (GROUP, CASE until a day, SELF), or the GUARDIAN they are."""

    person_id: str
    kind: str
    thing_id: str
    until: date | None


@dataclass(frozen=True, slots=True)
class SchoolRow:
    """How families reach a school; its letters need it."""

    school_id: str
    phone: str
    address: str


@dataclass(frozen=True, slots=True)
class FlagRow:
    """A dated care flag."""

    student_id: str
    kind: str
    starts: date
    ends: date | None


@dataclass(frozen=True, slots=True)
class ExemptionRow:
    """A dated exemption."""

    student_id: str
    scope: str
    kind: str
    reason: str
    starts: date
    ends: date | None
    review_on: date | None


@dataclass(frozen=True, slots=True)
class LinkRow:
    """What student_guardians.csv says beyond the canonical columns."""

    student_id: str
    guardian_id: str
    address_confidential: bool
    contact_via: str


@dataclass(frozen=True, slots=True)
class RuleSetRow:
    """Which rule set a school runs; a copy of another may leave a type of stage out."""

    school_id: str
    rule_set: str
    copy_of: str
    without_stage_type: str


@dataclass(frozen=True, slots=True)
class DemoExtras:
    """All of it, as source ids."""

    district_name: str
    staff: tuple[StaffRow, ...]
    reaches: tuple[ReachRow, ...]
    schools: tuple[SchoolRow, ...]
    flags: tuple[FlagRow, ...]
    exemptions: tuple[ExemptionRow, ...]
    links: tuple[LinkRow, ...]
    rule_sets: tuple[RuleSetRow, ...]


def read_extras(folder: Path) -> DemoExtras:
    """Small files, read whole; Invalid names the file that is missing or cannot be read."""
    districts = list(_rows(folder, "districts"))
    return DemoExtras(
        district_name=districts[0]["name"] if districts else folder.name,
        staff=tuple(
            StaffRow(row["person_id"], row["name"], row["role"], _several(row["school_ids"]))
            for row in _rows(folder, "staff")
        ),
        reaches=tuple(
            ReachRow(row["person_id"], row["kind"], row["thing_id"], _day(row["until"]))
            for row in _rows(folder, "persona_reaches")
        ),
        schools=tuple(
            SchoolRow(row["school_id"], row["phone"], row["address"]) for row in _rows(folder, "school_contacts")
        ),
        flags=tuple(
            FlagRow(row["student_id"], row["kind"], date.fromisoformat(row["from"]), _day(row["to"]))
            for row in _rows(folder, "care_flags")
        ),
        exemptions=tuple(map(_exemption, _rows(folder, "exemptions"))),
        links=tuple(map(_link, _rows(folder, "student_guardians"))),
        rule_sets=tuple(
            RuleSetRow(row["school_id"], row["rule_set"], row["copy_of"], row["without_stage_type"])
            for row in _rows(folder, "rule_sets")
        ),
    )


def _rows(folder: Path, name: str) -> Iterator[dict[str, str]]:
    place = folder / f"{name}.csv"
    if not place.exists():
        raise Invalid("demo_folder", f"{place.name} is missing in {folder}: remove the folder, and it is made anew.")
    with place.open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def _exemption(row: dict[str, str]) -> ExemptionRow:
    return ExemptionRow(
        student_id=row["student_id"],
        scope=row["scope"],
        kind=row["kind"],
        reason=row["reason"],
        starts=date.fromisoformat(row["from"]),
        ends=_day(row["to"]),
        review_on=_day(row["review_on"]),
    )


def _link(row: dict[str, str]) -> LinkRow:
    return LinkRow(row["student_id"], row["guardian_id"], row["address_confidential"] == "1", row["contact_via"])


def _several(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split("|") if part)


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
