"""What changes by time or by facts outside the marks: entries ask for it, running cases wake for it."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from dateutil.relativedelta import relativedelta
from sqlalchemy import text

from models.queries.fact_columns import with_facts
from models.queries.student_decisions import Moment
from models.session import Sessions
from rules.ids import InstanceId, SchoolId, StudentId, TenantId
from rules.rulesets.comparisons import FactKey
from rules.rulesets.facts import CaseFacts, fact_values
from services.context import Actor, CaseRef
from services.evaluations import evaluate_student, facts_at, look
from services.pinned import ruleset_of
from tests.services.test_nightly import DAYS, a_school, activate, evening, outbox, the_school

pytestmark = pytest.mark.servers
ABSENT = {"type": "AbsenceCountThreshold", "params": {"count": "3", "window": 30}}
OF_AGE = {"type": "CompulsorySchoolAge", "params": {"jurisdiction": "GB-ENG"}}
WARNED = {"type": "PriorEvents", "params": {"kind": "warned", "within": {"value": 3, "unit": "day"}}}
OLD = {"type": "StageAge", "params": {"school_days": 2}}
JURISDICTIONS = ("GB-ENG", "IE", "US-CA", "US-TX", "US-OH")


@pytest.fixture
def runner(sessions: Sessions) -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner
        runner.run(sessions.engine.dispose())


async def run(sessions: Sessions, actor: Actor, statement: str, **given: Any) -> Any:
    async with sessions.tenant(actor.tenant_id) as session:
        return await session.execute(text(statement), given)


async def opened(sessions: Sessions, actor: Actor, key: str) -> int:
    found = await run(sessions, actor, "select count(*) from instance where rule_set_key = :key", key=key)
    many: int = found.scalar_one()
    return many


async def told(sessions: Sessions, actor: Actor) -> int:
    return len([payload for kind, payload in await outbox(sessions, actor) if kind == "instance.signal"])


async def warned(sessions: Sessions, actor: Actor, on: date) -> None:
    statement = """insert into event (student_id, school_id, type, occurred_at)
        select s.id, h.id, 'WARNED', :at from student s, school h"""
    await run(sessions, actor, statement, at=datetime.combine(on, time(9), UTC))


def test_an_entry_asks_for_compulsory_age_and_earlier_events(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, "NNN////")
        await activate(sessions, actor, "of-age", {"all": [ABSENT, OF_AGE]})
        await activate(sessions, actor, "warned", {"all": [ABSENT, WARNED]})
        await run(sessions, actor, "update student set dob = null")
        await evening(sessions, actor, DAYS[2])
        assert [await opened(sessions, actor, key) for key in ("three", "of-age", "warned")] == [1, 0, 0]
        await run(sessions, actor, "update student set dob = :dob", dob=DAYS[0] - relativedelta(years=10))
        await warned(sessions, actor, DAYS[2])
        await evening(sessions, actor, DAYS[3])
        assert [await opened(sessions, actor, key) for key in ("of-age", "warned")] == [1, 1]

    runner.run(story())


def test_time_wakes_a_running_case_once(sessions: Sessions, runner: asyncio.Runner, tmp_path: Path) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, "NNN/////")
        await activate(sessions, actor, "ages", {"any": [ABSENT, {"all": [ABSENT, OLD]}, {"all": [ABSENT, WARNED]}]})
        await evening(sessions, actor, DAYS[2])
        at = datetime.combine(DAYS[2], time(18, 30), UTC)
        await run(sessions, actor, "update instance set last_stage_at = :at where rule_set_key = 'ages'", at=at)
        await run(
            sessions, actor, "update instance set closed_at = now(), phase = 'CLOSED' where rule_set_key <> 'ages'"
        )
        await evening(sessions, actor, DAYS[3])
        before = await told(sessions, actor)
        await evening(sessions, actor, DAYS[4])
        assert await told(sessions, actor) == before + 1, "two school days in the stage"
        await evening(sessions, actor, DAYS[5])
        assert await told(sessions, actor) == before + 1, "nothing has changed since"
        await warned(sessions, actor, DAYS[6])
        await evening(sessions, actor, DAYS[6])
        assert await told(sessions, actor) == before + 2, "an event of another case"

    runner.run(story())


async def _case(sessions: Sessions, actor: Actor, key: str, now: datetime) -> CaseRef:
    row = (await run(sessions, actor, "select id, student_id from instance where rule_set_key = :key", key=key)).one()
    school = SchoolId(await the_school(sessions, actor))
    student, instance = StudentId(row.student_id), InstanceId(row.id)
    return CaseRef(TenantId(actor.tenant_id), school, student, instance, f"k{now}", now)


def test_the_nightly_pass_and_a_decision_write_the_same_ageing_bits(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, "NNN/////")
        digest = await activate(sessions, actor, "ages", {"any": [ABSENT, {"all": [OF_AGE, WARNED, OLD]}]})
        await run(sessions, actor, "update student set dob = :dob", dob=DAYS[0] - relativedelta(years=10))
        await evening(sessions, actor, DAYS[2])
        at = datetime.combine(DAYS[2], time(18, 30), UTC)
        await run(sessions, actor, "update instance set last_stage_at = :at", at=at)
        await warned(sessions, actor, DAYS[4])
        await evening(sessions, actor, DAYS[5])
        written = "select facts ->> 'ageing' from evaluation where digest = :d and date = :on order by known_at"
        nightly = (await run(sessions, actor, written, d=digest, on=DAYS[5])).scalars().all()
        case = await _case(sessions, actor, "ages", datetime.combine(DAYS[5], time(23), UTC))
        async with sessions.tenant(actor.tenant_id) as session:
            ruleset = await ruleset_of(session, digest)
            await evaluate_student(session, case, ruleset, digest, Moment(DAYS[5], case.now))
        both = (await run(sessions, actor, written, d=digest, on=DAYS[5])).scalars().all()
        assert nightly == ["1110|1111"], "the last one is the exemption that every ladder stops for"
        assert both == [*nightly, *nightly]

    runner.run(story())


def test_a_basis_looked_at_again_asks_for_the_stage_on_which_the_case_stood_then(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, "NNN/////")
        digest = await activate(sessions, actor, "ages", {"any": [ABSENT, OLD]})
        await evening(sessions, actor, DAYS[2])
        case = await _case(sessions, actor, "ages", datetime.combine(DAYS[6], time(23), UTC))
        entered = """insert into event (instance_id, student_id, school_id, type, occurred_at)
            values (:i, :s, :h, 'STAGE_ENTERED', :at)"""
        ids = {"i": case.instance_id, "s": case.student_id, "h": case.school_id}
        first, second = (datetime.combine(day, time(20), UTC) for day in (DAYS[2], DAYS[5]))
        for at in (first, second):
            await run(sessions, actor, entered, **ids, at=at)
        await run(sessions, actor, "update instance set last_stage_at = :at", at=second)
        async with sessions.tenant(actor.tenant_id) as session:
            ruleset = await ruleset_of(session, digest)
            moment = Moment(DAYS[5], case.now)
            seen = await look(session, case, ruleset, moment)
            now = await facts_at(session, case, ruleset, moment, seen)
            then = await facts_at(session, case, ruleset, moment, seen, decided_at=second)
            before = await facts_at(session, case, ruleset, moment, seen, decided_at=first)
        assert (now.stage_age, then.stage_age, before.stage_age) == (0, 3, None)

    runner.run(story())


def test_ages_in_sql_are_those_of_the_reference(sessions: Sessions, runner: asyncio.Runner, tmp_path: Path) -> None:
    day = date(2026, 6, 26)
    births = [day - relativedelta(years=age) + timedelta(days=n) for age in range(4, 20) for n in (-90, -1, 0, 1, 68)]
    births += [day + timedelta(days=n) for n in (1, 70, 190, 400)]  # slips of the pen, some of them still to come
    births += [date(2008, 2, 29), date(2021, 4, 1), date(2021, 1, 1), date(2020, 9, 1), date(2020, 9, 2)]

    async def story() -> None:
        actor = await a_school(sessions, tmp_path, "N")
        school = await the_school(sessions, actor)
        keys = (FactKey.parse("age"), *(FactKey.parse(f"compulsory_age/{name}") for name in JURISDICTIONS))
        subject = "select s.id as student_id, cast(:school as uuid) as school_id from student s"
        facts = with_facts(subject, keys)
        columns = ", ".join(facts.columns[key] for key in keys)
        asked = f"select {columns} from ({facts.sql}) f"
        for birth in births:
            for on in (day, date(2026, 3, 1), date(2026, 9, 1), date(2026, 12, 31)):
                await run(sessions, actor, "update student set dob = :dob", dob=birth)
                found = (await run(sessions, actor, asked, school=school, day=on)).one()
                assert list(found) == list(fact_values(CaseFacts(day=on, birth_date=birth), keys).values()), (birth, on)

    runner.run(story())
