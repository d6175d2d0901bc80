"""Rule sets and their versions as the API shows them."""

from datetime import date, datetime
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import Field

from api.schemas.law import CITED, WAITS, LawOut
from api.schemas.shared import OTHER_ID, SOME_ID, Body, Reason, shown
from rules.rulesets.boundaries import BoundaryCase, Side
from rules.rulesets.describing import leaf_words
from rules.rulesets.difference import Change
from rules.rulesets.model import RuleSet
from rules.rulesets.problems import Flaw, Problem
from rules.rulesets.ruleset import digest, dump_ruleset
from services.rulesets import Checked, Compared, Version

_DOCUMENT: dict[str, Any] = {
    "key": "autumn",
    "title": "Autumn ladder",
    "entry": {"type": "AbsenceCountThreshold", "params": {"count": 5, "window": 30}},
    "stages": [
        {"key": "letter-1", "type": "LETTER", "template": "LETTER_1_ATTENDANCE", "wait_school_days": 10},
        {"key": "meeting", "type": "MEETING", "within_school_days": 10},
    ],
}
_VERSION: dict[str, Any] = {
    "id": SOME_ID,
    "key": "autumn",
    "title": "Autumn ladder",
    "jurisdiction": None,
    "version": 1,
    "status": "DRAFT",
    "digest": "0" * 64,
    "author_id": OTHER_ID,
    "submitted_at": None,
    "approved_by": None,
    "approved_at": None,
    "activated_at": None,
    "retired_at": None,
    "shadow_since": None,
    "reason": "First draft for the autumn term.",
    "law": {"pack": None, "sources": [], "unconfirmed": [], "overrides": []},
}


class RuleSetIn(Body):
    """A rule set's document and why it is written; `GET /interventions/rules/schema` tells what `document` may hold.

    Or a layer over a shipped pack: `{"pack": "us-ca", "overrides": [{"at", "value", "reason", "source"}]}`.
    """

    model_config = shown({"document": _DOCUMENT, "reason": "First draft for the autumn term."})

    document: dict[str, Any] = Field(description="The rule set: entry, stages, stop, escalate, follow_up, ...")
    reason: Reason


class VersionOut(Body):
    """One version of a rule set, without its document."""

    model_config = shown(_VERSION)

    id: UUID
    key: str
    title: str
    jurisdiction: str | None
    version: int
    status: Literal["DRAFT", "IN_REVIEW", "APPROVED", "ACTIVE", "RETIRED"]
    digest: str
    author_id: UUID | None
    submitted_at: datetime | None
    approved_by: UUID | None
    approved_at: datetime | None
    activated_at: datetime | None
    retired_at: datetime | None
    shadow_since: datetime | None = Field(description="Evaluated beside the version in force since then.")
    reason: str | None
    law: LawOut

    @classmethod
    def of(cls, found: Version) -> Self:
        shared = {name: getattr(found.row, name) for name in cls.model_fields if hasattr(found.row, name)}
        named = {name: getattr(found.ruleset, name) for name in ("key", "title", "jurisdiction")}
        return cls(**(shared | named), law=LawOut.of(found.row.content))


class VersionDocumentOut(Body):
    """One version with its document."""

    model_config = shown({"version": _VERSION, "document": _DOCUMENT})

    version: VersionOut
    document: dict[str, Any]

    @classmethod
    def of(cls, found: Version) -> Self:
        return cls(version=VersionOut.of(found), document=found.row.content)


_PROBLEM: dict[str, Any] = {
    "pointer": "/stages/1/when",
    "flaw": "easier_rung",
    "wrong": "is easier than the stage before it",
    "remedy": "ask for as much as the stage before, or more",
}


class ProblemOut(Body):
    """One thing to mend: where (a JSON pointer into the document), what kind, what is wrong, what to do."""

    model_config = shown(_PROBLEM)

    pointer: str
    flaw: Flaw
    wrong: str
    remedy: str

    @classmethod
    def of(cls, problem: Problem) -> Self:
        return cls(pointer=problem.pointer, flaw=problem.flaw, wrong=problem.wrong, remedy=problem.remedy)


class WaivedOut(Body):
    """A finding that stands because the rule set says why it may."""

    model_config = shown({"problem": _PROBLEM, "reason": "Agreed with the board."})

    problem: ProblemOut
    reason: str


_CASE: dict[str, Any] = {
    "leaf": "5 absence days or more in 30 calendar days",
    "side": "below",
    "given": {"absent_half_days/calendar:30/all": 9},
    "holds": False,
}


class BoundaryCaseOut(Body):
    """One leaf near its threshold: the numbers given, and whether it holds; null is unknown."""

    model_config = shown(_CASE)

    leaf: str
    side: Side
    given: dict[str, int]
    holds: bool | None

    @classmethod
    def of(cls, case: BoundaryCase) -> Self:
        given = {str(key): value for key, value in case.given.items()}
        return cls(leaf=leaf_words(case.leaf), side=case.side, given=given, holds=case.came())


class ChecksOut(Body):
    """What approval and activation will say: findings bar approval, what is not ready bars activation."""

    model_config = shown(
        {
            "clean": False,
            "findings": [_PROBLEM],
            "waived": [],
            "failing_tests": [],
            "not_ready": [],
            "boundary_cases": [_CASE],
        }
    )

    clean: bool
    findings: list[ProblemOut]
    waived: list[WaivedOut]
    failing_tests: list[ProblemOut]
    not_ready: list[ProblemOut]
    boundary_cases: list[BoundaryCaseOut]

    @classmethod
    def of(cls, checked: Checked) -> Self:
        return cls(
            clean=checked.clean,
            findings=[ProblemOut.of(one.problem) for one in checked.findings if one.waiver is None],
            waived=[
                WaivedOut(problem=ProblemOut.of(one.problem), reason=one.waiver.reason)
                for one in checked.findings
                if one.waiver
            ],
            failing_tests=[ProblemOut.of(one) for one in checked.failing],
            not_ready=[ProblemOut.of(one) for one in checked.not_ready],
            boundary_cases=[BoundaryCaseOut.of(one) for one in checked.cases],
        )


_DIFFERENCE: dict[str, Any] = {
    "change": "changed",
    "pointer": "/stages/1/wait_school_days",
    "words": "stages letter-1, wait school days: 10 becomes 5",
}


class DifferenceOut(Body):
    """One difference in words; the pointer leads into the version asked about, or into the other where it is gone."""

    model_config = shown(_DIFFERENCE)

    change: Change
    pointer: str
    words: str


class DiffOut(Body):
    """What a version says differently from another."""

    model_config = shown({"version": _VERSION, "against": _VERSION, "differences": [_DIFFERENCE]})

    version: VersionOut
    against: VersionOut
    differences: list[DifferenceOut]

    @classmethod
    def of(cls, found: Compared) -> Self:
        told = [DifferenceOut(change=one.change, pointer=one.pointer, words=one.words) for one in found.differences]
        return cls(version=VersionOut.of(found.version), against=VersionOut.of(found.against), differences=told)


class PackOut(Body):
    """A rule set shipped with Handrail: draft it with your overrides, or copy its document under a key of your own."""

    model_config = shown(
        {
            "name": "us-ca",
            "title": "California: Education Code, truancy",
            "jurisdiction": "US-CA",
            "effective_from": "2025-07-01",
            "effective_to": None,
            "digest": "0" * 64,
            "law": {"pack": None, "sources": [CITED], "unconfirmed": [WAITS], "overrides": []},
            "document": _DOCUMENT,
        }
    )

    name: str
    title: str
    jurisdiction: str | None
    effective_from: date | None
    effective_to: date | None
    digest: str
    law: LawOut
    document: dict[str, Any]

    @classmethod
    def of(cls, name: str, pack: RuleSet) -> Self:
        document = dump_ruleset(pack)
        dated = {"effective_from": pack.effective_from, "effective_to": pack.effective_to}
        told = {"name": name, "title": pack.title, "jurisdiction": pack.jurisdiction, "digest": digest(pack)}
        return cls.model_validate({**told, **dated, "law": LawOut.of(document), "document": document})


class PacksOut(Body):
    """Every shipped rule set."""

    model_config = shown({"items": []})

    items: list[PackOut]
