"""Register codes and what they mean: the status of a session (attendance.md S2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What a session counts as; ordered best first, as registers of one session are merged (S3.4)."""

    PRESENT = "PRESENT"
    LATE = "LATE"
    AUTHORISED_ABSENT = "AUTHORISED_ABSENT"
    UNAUTHORISED_ABSENT = "UNAUTHORISED_ABSENT"
    ABSENT = "ABSENT"
    NOT_POSSIBLE = "NOT_POSSIBLE"
    UNKNOWN = "UNKNOWN"
    NO_MARK = "NO_MARK"


ATTENDED = frozenset({Status.PRESENT, Status.LATE})
ABSENCES = frozenset({Status.AUTHORISED_ABSENT, Status.UNAUTHORISED_ABSENT, Status.ABSENT})
POSSIBLE = ATTENDED | ABSENCES


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one code means; `is_tardy` is true for arrivals after the bell, also after the register closed (UK `U`)."""

    status: Status
    is_tardy: bool = False


CodeMap = Mapping[str, Meaning]

_UNKNOWN = Meaning(Status.UNKNOWN)


def _meanings(status: Status, codes: tuple[str, ...], *, is_tardy: bool = False) -> dict[str, Meaning]:
    return dict.fromkeys(codes, Meaning(status, is_tardy))


UK: CodeMap = {
    **_meanings(Status.PRESENT, ("/", "\\", "B", "K", "P", "V", "W")),
    **_meanings(Status.LATE, ("L",), is_tardy=True),
    **_meanings(Status.AUTHORISED_ABSENT, ("C", "C1", "C2", "E", "H", "I", "J1", "M", "R", "S", "T")),
    **_meanings(Status.UNAUTHORISED_ABSENT, ("G", "N", "O")),
    **_meanings(Status.UNAUTHORISED_ABSENT, ("U",), is_tardy=True),
    **_meanings(Status.NOT_POSSIBLE, ("D", "Q", "X", "Y", "Y1", "Y2", "Y3", "Y4", "Y5", "Y6", "Y7", "Z", "#")),
    **_meanings(Status.NO_MARK, ("-", "")),
}
EDFI: CodeMap = {
    **_meanings(Status.PRESENT, ("In Attendance", "Present")),
    **_meanings(Status.LATE, ("Tardy",), is_tardy=True),
    **_meanings(Status.AUTHORISED_ABSENT, ("Excused Absence",)),
    **_meanings(Status.UNAUTHORISED_ABSENT, ("Unexcused Absence",)),
}
CONTOSO: CodeMap = {
    **_meanings(Status.PRESENT, ("P",)),
    **_meanings(Status.ABSENT, ("A",)),
    **_meanings(Status.LATE, ("T", "L"), is_tardy=True),
}

BUILT_IN: Mapping[str, CodeMap] = {"UK": UK, "EDFI": EDFI, "CONTOSO": CONTOSO}

# Absences the school or the law caused never count against a family (safeguards.md section 6).
_FAMILY_EXCLUSIONS: Mapping[str, frozenset[str]] = {
    "UK": frozenset({"C2", "E", "C1", "J1", "S", "T", "R", "M"}),
}


def family_exclusions(code_set: str) -> frozenset[str]:
    """The codes `exclude_codes: "CODE_SET"` stands for; a code set without a list excludes nothing."""
    return _FAMILY_EXCLUSIONS.get(code_set, frozenset())


def meaning(code_map: CodeMap, code: str) -> Meaning:
    """Exact, case-sensitive match after trimming blanks (S2.3); an unmapped code is UNKNOWN (S2.4)."""
    return code_map.get(code.strip(), _UNKNOWN)
