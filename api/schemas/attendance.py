"""Imports, marks, summaries, code maps and quarantined rows as the API shows them."""

from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import Field

from api.schemas.shared import OTHER_ID, SOME_ID, Body, Reason, shown
from models.attendance import Mark, Summary
from models.rulesets import NightlyRun
from rules.attendance.codes import Status
from services.attendance import CorrectedMark

_IMPORT: dict[str, Any] = {
    "id": SOME_ID,
    "kind": "district",
    "source_name": "autumn.zip",
    "status": "FINISHED",
    "step": "marks",
    "rows_done": 12000,
    "rows_accepted": 11998,
    "rows_duplicate": 0,
    "rows_quarantined": 2,
    "error": None,
    "created_at": "2026-11-20T09:30:00Z",
    "finished_at": "2026-11-20T09:30:09Z",
}
Codes = "Null for roles that may not see register codes: absent, reason known."


class ImportOut(Body):
    """One import with its progress."""

    model_config = shown(_IMPORT)

    id: UUID
    kind: str
    source_name: str
    status: str
    step: str | None
    rows_done: int
    rows_accepted: int
    rows_duplicate: int
    rows_quarantined: int
    error: str | None
    created_at: datetime
    finished_at: datetime | None


class ImportReportOut(Body):
    """One import with what was odd about it."""

    model_config = shown({"run": _IMPORT, "counts": {"marks": 12000}, "issues": {}})

    run: ImportOut
    counts: dict[str, Any]
    issues: dict[str, Any]


class SummaryOut(Body):
    """One student-day as all marks known now tell it."""

    model_config = shown(
        {
            "school_id": SOME_ID,
            "date": "2026-11-20",
            "am_status": "PRESENT",
            "pm_status": "AUTHORISED_ABSENT",
            "am_code": "/",
            "pm_code": "I",
            "attended_ytd": 120,
            "possible_ytd": 130,
            "attendance_percent": "92.31",
            "consecutive_absence_days": 0,
            "total_absence_days_ytd": "5.0",
            "computed_at": "2026-11-20T18:00:00Z",
        }
    )

    school_id: UUID
    date: date
    am_status: str | None
    pm_status: str | None
    am_code: str | None = Field(description=Codes)
    pm_code: str | None = Field(description=Codes)
    attended_ytd: int
    possible_ytd: int
    attendance_percent: str | None
    consecutive_absence_days: int
    total_absence_days_ytd: str
    computed_at: datetime

    @classmethod
    def of(cls, row: Summary, *, codes: bool) -> Self:
        """`codes`: the viewer may see register codes."""
        plain = {name: getattr(row, name) for name in cls.model_fields if hasattr(row, name)}
        days, half = divmod(row.total_absence_half_days_ytd, 2)
        percent = None if row.attendance_percent is None else f"{row.attendance_percent:.2f}"
        hidden = {} if codes else {"am_code": None, "pm_code": None}
        return cls(**(plain | hidden | {"attendance_percent": percent, "total_absence_days_ytd": f"{days}.{5 * half}"}))


class MarkOut(Body):
    """One raw register entry; a correction is a later one."""

    model_config = shown(
        {
            "mark_id": "M1",
            "school_id": SOME_ID,
            "date": "2026-11-20",
            "session": "AM",
            "register_name": "",
            "code": "I",
            "deleted": False,
            "minutes_missed": None,
            "recorded_at": "2026-11-20T09:10:00Z",
            "recorded_by": None,
            "amend_reason": None,
            "source": None,
        }
    )

    mark_id: str
    school_id: UUID
    date: date
    session: str
    register_name: str
    code: str | None = Field(description=Codes)
    deleted: bool
    minutes_missed: int | None
    recorded_at: datetime
    recorded_by: str | None
    amend_reason: str | None = Field(description=Codes)
    source: str | None

    @classmethod
    def of(cls, row: Mark, *, codes: bool) -> Self:
        """`codes`: the viewer may see register codes."""
        plain = {name: getattr(row, name) for name in cls.model_fields if hasattr(row, name)}
        plain["register_name"] = row.register
        return cls(**(plain if codes else plain | {"code": None, "amend_reason": None}))


class MarkIn(Body):
    """One session as every register of it should say, or (DAY) all sessions of a day; a null code takes marks back."""

    model_config = shown({"date": "2026-11-19", "session": "AM", "code": "I"})

    date: date
    session: Literal["AM", "PM", "DAY"]
    code: Annotated[str, Field(max_length=40)] | None
    minutes_missed: Annotated[int, Field(ge=0, le=600)] | None = None

    def corrected(self) -> CorrectedMark:
        """The same as the service takes it."""
        return CorrectedMark(self.date, self.session, self.code, self.minutes_missed)


class CorrectionIn(Body):
    """Later marks for one student at one school; the earlier ones stay as they came."""

    model_config = shown(
        {
            "school_id": SOME_ID,
            "marks": [{"date": "2026-11-19", "session": "AM", "code": "I"}],
            "reason": "Doctor's note seen.",
        }
    )

    school_id: UUID
    marks: Annotated[list[MarkIn], Field(min_length=1, max_length=400)]
    reason: Reason


class CodeOut(Body):
    """What one register code means."""

    model_config = shown({"code": "I", "status": "AUTHORISED_ABSENT", "is_tardy": False})

    code: Annotated[str, Field(max_length=40)]
    status: Status
    is_tardy: bool = False


class CodeMapOut(Body):
    """What the codes of a set mean; a code that is not listed is unknown and never an absence."""

    model_config = shown({"code_set": "UK", "codes": [{"code": "I", "status": "AUTHORISED_ABSENT", "is_tardy": False}]})

    code_set: str
    codes: list[CodeOut]


class CodeMapIn(Body):
    """The whole code set from now on; everybody at its schools is computed anew."""

    model_config = shown(
        {"codes": [{"code": "I", "status": "AUTHORISED_ABSENT"}], "reason": "New codes from September."}
    )

    codes: Annotated[list[CodeOut], Field(min_length=1, max_length=300)]
    reason: Reason


class QuarantineOut(Body):
    """A row that was not taken in, with the reason; nothing is guessed."""

    model_config = shown(
        {
            "id": SOME_ID,
            "import_id": OTHER_ID,
            "kind": "marks",
            "line": 17,
            "problem": "BAD_DATE",
            "detail": "Write dates as 2026-11-20.",
            "row": {"date": "20.11.26"},
            "status": "OPEN",
            "resolution": None,
        }
    )

    id: UUID
    import_id: UUID
    kind: str
    line: int
    problem: str
    detail: str | None
    row: dict[str, Any]
    status: str
    resolution: str | None


class SettleIn(Body):
    """What became of a quarantined row."""

    model_config = shown({"status": "RESOLVED", "reason": "Corrected at the source and imported again."})

    status: Literal["RESOLVED", "DISMISSED"]
    reason: Reason


class EvaluationOut(Body):
    """The nightly passes that now run, one per time zone of the tenant's schools."""

    model_config = shown({"runs": ["nightly:tenant:Europe_Dublin:by-hand"]})

    runs: list[str]


class PassOut(Body):
    """One rule-set version evaluated over one school: the data it rested on, and what came of it."""

    model_config = shown(
        {
            "id": SOME_ID,
            "school_id": OTHER_ID,
            "digest": "9f2c",
            "evaluated_on": "2026-11-19",
            "known_at": "2026-11-19T19:00:00Z",
            "students": 412,
            "changed": 3,
            "opened": 1,
            "signalled": 2,
            "absorbed": 0,
            "late_trips": 0,
            "duties": 0,
        }
    )

    id: UUID
    school_id: UUID
    digest: str = Field(description="Content hash of the rule-set version.")
    evaluated_on: date = Field(description="The school day that was evaluated.")
    known_at: datetime = Field(description="Data as of: what was in the register at this instant.")
    students: int = Field(description="Looked at under the start rule; 0 where only running cases rest on the version.")
    changed: int = Field(description="Running cases for which something is so that was not, or the other way round.")
    opened: int = Field(description="Cases that began.")
    signalled: int = Field(description="Running cases that were told.")
    absorbed: int = Field(description="Entries that an open case took as further evidence.")
    late_trips: int = Field(description="Days of the past on which a correction made the entry true.")
    duties: int = Field(description="Duties that opened, or whose basis was lost.")

    @classmethod
    def of(cls, row: NightlyRun) -> Self:
        said = {name: row.counts.get(name, 0) for name in COUNTED}
        about = {"id": row.id, "school_id": row.school_id, "digest": row.digest}
        return cls(**about, evaluated_on=row.date, known_at=row.known_at, **said)


COUNTED: Final = ("students", "changed", "opened", "signalled", "absorbed", "late_trips", "duties")
