"""Protected attributes come by a declared feed, are counted by and shown of nobody, and go with what they are for."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from models.audit import AuditEntry
from models.imports import QuarantineRow
from models.instances import CaseFile, Event, Instance, Proposal
from models.people import School
from models.rulesets import RuleSet, RuleSetVersion
from models.session import Session, Sessions
from models.students import Student, StudentAttribute
from rules.errors import Invalid
from rules.fairness import Group, ProtectedKind
from services import fairness, tenant_settings
from services.attendance_import import OpenImport, district_feed, import_feed
from services.context import Actor
from services.fairness import Asked, Page
from services.tenant_settings import FairnessSettings, TenantSettings
from tests.services.districts import NOW, a_tenant, school, take_in, write

pytestmark = pytest.mark.servers
Tell = Callable[[Callable[[], Any]], None]
SEX, ETHNICITY = ProtectedKind.SEX, ProtectedKind.ETHNICITY
AUTUMN = (date(2026, 9, 1), date(2026, 10, 31))
IN_AUTUMN = datetime(2026, 9, 20, 9, tzinfo=UTC)
PUPILS = 120


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """North has 80 students, South 40; half of each are girls. One left in August."""
    at = {n: "N" if n < 80 else "S" for n in range(PUPILS)}
    return write(
        tmp_path / "town",
        schools=[school("N"), school("S")],
        students=[[f"p{n:03}", "A", "B"] for n in (*at, PUPILS)],
        student_attributes=[
            *([f"p{n:03}", "SEX", "FM"[n % 2]] for n in at),
            *([f"p{n:03}", "ethnicity", "any"] for n in at),
        ],
        enrolments=[
            *([f"p{n:03}", where, date(2026, 9, 1), "", "AM|PM"] for n, where in at.items()),
            [f"p{PUPILS:03}", "S", date(2025, 9, 1), date(2026, 8, 31), "AM|PM"],
        ],
    )


async def declare(sessions: Sessions, actor: Actor, *kinds: ProtectedKind) -> None:
    async with sessions.tenant(actor.tenant_id) as session:
        wish = TenantSettings(fairness=FairnessSettings(kinds=kinds, assessment="DPIA 12" if kinds else ""))
        await tenant_settings.replace(session, actor, wish, "Agreed with the DPO.", now=NOW)


async def held(sessions: Sessions, actor: Actor) -> dict[tuple[str, str], str]:
    """(student, kind) -> value, as the register names students."""
    async with sessions.tenant(actor.tenant_id) as session:
        wanted = select(Student.source_id, StudentAttribute.kind, StudentAttribute.value)
        rows = await session.execute(wanted.join(Student, Student.id == StudentAttribute.student_id))
        return {(student, kind): value for student, kind, value in rows}


async def page(sessions: Sessions, actor: Actor, school_id: UUID | None = None) -> Page:
    async with sessions.tenant(actor.tenant_id) as session:
        return await fairness.drawn_up(session, actor, Asked(*AUTUMN, school_id), now=NOW)


async def school_ids(sessions: Sessions, actor: Actor) -> dict[str, UUID]:
    async with sessions.tenant(actor.tenant_id) as session:
        return {name: our_id for our_id, name in await session.execute(select(School.id, School.source_id))}


def groups(found: Page, by: str) -> dict[str, Group]:
    (kind,) = [kind for kind in found.kinds if kind.by == by]
    return {group.value: group for group in kind.groups}


def test_only_what_was_declared_with_its_assessment_is_kept(sessions: Sessions, tell: Tell, town: Path) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        first = await take_in(sessions, actor, town)
        assert first.status == "FINISHED"
        assert first.issues["UNDECLARED_ATTRIBUTE"]["count"] == 2 * PUPILS
        assert (first.counts["student_attributes"], first.quarantined) == (0, 0)
        assert await held(sessions, actor) == {}
        await declare(sessions, actor, SEX)
        again = await take_in(sessions, actor, town)
        assert again.counts["student_attributes"] == PUPILS
        assert await held(sessions, actor) == {(f"p{n:03}", "sex"): "FM"[n % 2] for n in range(PUPILS)}
        await declare(sessions, actor)
        assert await held(sessions, actor) == {}, "what it was held for has ended"

    tell(story)


def test_kinds_without_an_assessment_are_refused() -> None:
    with pytest.raises(ValueError, match="name the data protection assessment"):
        FairnessSettings(kinds=(SEX,), assessment="  ")


def test_a_feed_says_all_of_a_student_and_what_it_leaves_out_is_gone(
    sessions: Sessions, tell: Tell, town: Path, tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        await declare(sessions, actor, SEX, ETHNICITY)
        await take_in(sessions, actor, town)
        said = [["p000", "sex", "F"], ["p001", "sex", ""], ["p002", "Ethnicity", "other"], ["p002", "sex", "X"]]
        later = write(tmp_path / "later", student_attributes=[*said, ["p002", "sex", "M"]])
        await take_in(sessions, actor, later)
        found = await held(sessions, actor)
        assert {key: value for key, value in found.items() if key[0] < "p004"} == {
            ("p000", "sex"): "F",
            ("p002", "ethnicity"): "other",
            ("p002", "sex"): "M",
            ("p003", "sex"): "M",
            ("p003", "ethnicity"): "any",
        }

    tell(story)


def test_what_is_wrong_with_a_row_is_told_without_what_it_says(
    sessions: Sessions, tell: Tell, town: Path, tmp_path: Path
) -> None:
    rows = [
        ["nobody", "sex", "SECRET"],
        ["p000", "sex", "SECRET" * 20],
        ["p001", "sex", "SEC\x01RET"],
        ["", "sex", "F"],
    ]
    broken = write(tmp_path / "broken", student_attributes=rows)

    async def story() -> None:
        actor = await a_tenant(sessions)
        await declare(sessions, actor, SEX)
        await take_in(sessions, actor, town)
        done = await take_in(sessions, actor, broken)
        assert done.quarantined == len(rows)
        async with sessions.tenant(actor.tenant_id) as session:
            kept = (await session.scalars(select(QuarantineRow).order_by(QuarantineRow.line))).all()
            dumped = json.dumps([[one.row, one.detail] for one in kept])
        assert {one.problem for one in kept} == {"UNKNOWN_STUDENT", "BAD_VALUE", "CONTROL_CHARACTER", "MISSING_VALUE"}
        assert "SEC" not in dumped
        assert "SEC" not in json.dumps(done.issues)
        assert (await held(sessions, actor))["p000", "sex"] == "F"

    tell(story)


def test_a_merged_student_keeps_what_was_said_of_either(
    sessions: Sessions, tell: Tell, town: Path, tmp_path: Path
) -> None:
    merged = write(tmp_path / "merged", student_merges=[["p000", "p001"]])
    again = write(tmp_path / "again", student_attributes=[["p000", "sex", "X"]])

    async def story() -> None:
        actor = await a_tenant(sessions)
        await declare(sessions, actor, SEX, ETHNICITY)
        await take_in(sessions, actor, town)
        await take_in(sessions, actor, merged)
        found = groups(await page(sessions, actor), "sex")
        assert (found["F"].students, found["M"].students) == (59, 60), "the one they became was said to be M"
        await take_in(sessions, actor, again)
        now = await held(sessions, actor)
        assert (now["p001", "sex"], ("p000", "sex") in now, ("p001", "ethnicity") in now) == ("X", False, False)

    tell(story)


async def walked(session: Session, student: Student, at: UUID, version: RuleSetVersion, *, far: bool) -> None:
    """A student who entered a ladder in autumn; `far`: and got a letter two days after it was proposed."""
    file = CaseFile(student_id=student.id, school_id=at)
    session.add(file)
    await session.flush()
    walk = Instance(
        school_year="2026",
        student_id=student.id,
        lead_school_id=at,
        case_id=file.id,
        rule_set_key="general",
        rule_set_version_id=version.id,
        digest=version.digest,
        started_at=IN_AUTUMN,
    )
    session.add(walk)
    await session.flush()
    session.add(
        Proposal(
            instance_id=walk.id,
            stage_index=1,
            stage_key="letter-1",
            stage_type="LETTER_1",
            approval="STAFF",
            status="DONE" if far else "SKIPPED",
            proposed_at=IN_AUTUMN,
            decided_by=walk.id,
            decided_at=IN_AUTUMN + timedelta(days=2 if far else 4),
        )
    )
    happened = ["STEP_TAKEN", "LETTER_SENT", "LETTER_SENT", "EXIT_CONFIRMED"] if far else []
    session.add_all(
        Event(
            instance_id=walk.id,
            student_id=student.id,
            school_id=at,
            type=kind,
            stage_key="letter-1",
            stage_type="LETTER_1",
            occurred_at=IN_AUTUMN,
        )
        for kind in happened
    )


async def some_cases(sessions: Sessions, actor: Actor) -> None:
    """Of the 40 girls of North 30 enter and 15 of these get a letter; of the 40 boys 20 and 10."""
    async with sessions.tenant(actor.tenant_id) as session:
        rules = RuleSet(key="general", title="General")
        session.add(rules)
        await session.flush()
        version = RuleSetVersion(rule_set_id=rules.id, version=1, content={}, digest="0" * 64)
        session.add(version)
        await session.flush()
        at = (await session.scalars(select(School.id).where(School.source_id == "N"))).one()
        for n in range(80):
            who = (await session.scalars(select(Student).where(Student.source_id == f"p{n:03}"))).one()
            girl, place = n % 2 == 0, n // 2
            if place < (30 if girl else 20):
                await walked(session, who, at, version, far=place < (15 if girl else 10))


def test_each_group_stands_beside_the_rest_at_its_school(sessions: Sessions, tell: Tell, town: Path) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        await declare(sessions, actor, SEX, ETHNICITY)
        await take_in(sessions, actor, town)
        await some_cases(sessions, actor)
        north = (await school_ids(sessions, actor))["N"]
        found = await page(sessions, actor, north)
        assert found.everybody.students == 80
        assert found.everybody.shares["ENTERED"].students == 50
        assert [kind.by for kind in found.kinds] == ["sex"], "one value tells nobody apart"
        girls = groups(found, "sex")["F"]
        assert girls.students == 40
        assert (girls.shares["ENTERED"].students, girls.shares["ENTERED"].ratio) == (30, 1.5)
        told = {what: share.students for what, share in girls.shares.items()}
        assert told == {"ENTERED": 30, "PROPOSED": 30, "VETOED": 15, "LETTER": 15, "LETTER_1": 15, "EXITED": 15}
        assert [kind.waits for kind in found.kinds] == [{"F": 3.0, "M": 3.0}]

    tell(story)


def test_all_schools_are_told_to_those_of_every_school_and_who_looked_stands_in_the_audit(
    sessions: Sessions, tell: Tell, town: Path
) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        await declare(sessions, actor, SEX)
        await take_in(sessions, actor, town)
        await some_cases(sessions, actor)
        ids = await school_ids(sessions, actor)
        found = await page(sessions, actor)
        schools = groups(found, "school")
        assert {name: schools[str(ids[name])].students for name in "NS"} == {"N": 80, "S": 40}
        assert schools[str(ids["S"])].shares["ENTERED"].students == 0
        assert found.everybody.students == PUPILS, "whoever left before the span is not on roll in it"
        async with sessions.tenant(actor.tenant_id) as session:
            looks = select(AuditEntry.subject_kind, AuditEntry.subject_id).where(AuditEntry.verb == "read_fairness")
            assert [tuple(row) for row in await session.execute(looks)] == [("tenant", actor.tenant_id)]

    tell(story)


def test_an_erased_student_is_in_no_group_and_nothing_is_said_of_them_again(
    sessions: Sessions, tell: Tell, town: Path
) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        await take_in(sessions, actor, town)
        async with sessions.tenant(actor.tenant_id) as session:
            await session.execute(update(Student).where(Student.source_id == "p000").values(erased_at=NOW))
        await declare(sessions, actor, SEX)
        feed = OpenImport("student_attributes", "attributes.csv")
        only = district_feed(town, received_at=NOW, tables=["student_attributes"])
        await import_feed(sessions, actor, feed, only, now=NOW)
        assert ("p000", "sex") not in await held(sessions, actor)
        assert len(await held(sessions, actor)) == PUPILS - 1
        assert groups(await page(sessions, actor), "sex")["F"].students == PUPILS // 2 - 1

    tell(story)


def test_a_tenant_without_students_has_a_page_of_nobody(sessions: Sessions, tell: Tell) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        found = await page(sessions, actor)
        assert (found.everybody.students, list(found.kinds)) == (0, [])

    tell(story)


@pytest.mark.parametrize(
    ("first", "last", "place"),
    [
        (date(2026, 9, 2), date(2026, 9, 30), "query.from"),
        (date(2026, 9, 1), date(2026, 9, 29), "query.to"),
        (date(2026, 11, 1), date(2026, 11, 30), "query.to"),
        (date(2026, 10, 1), date(2026, 9, 30), "query.to"),
        (date(2025, 8, 1), date(2026, 10, 31), "query.to"),
    ],
)
def test_fairness_is_counted_over_whole_months_that_have_ended(
    sessions: Sessions, tell: Tell, first: date, last: date, place: str
) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        async with sessions.tenant(actor.tenant_id) as session:
            with pytest.raises(Invalid, match="whole months") as refused:
                await fairness.drawn_up(session, actor, Asked(first, last, None), now=NOW)
        assert list(refused.value.fields) == [place]

    tell(story)
