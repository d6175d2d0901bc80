"""The nightly pass: which schools are due, one version over one school, new cases, signals, late trips."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from models.people import School
from models.queries import breakers, calendar, nightly, shadow
from models.queries.nightly import Compiled, statement_of
from models.rows import affected
from models.rulesets import RuleSet as StoredRuleSet
from models.rulesets import RuleSetVersion
from models.session import Sessions
from rules.rulesets.model import RuleSet
from services import attendance_summaries, audit, duty_pass, register_events, ruleset_places, suspect_days
from services.context import Actor
from services.evaluation_days import arrived_day, missed_days
from services.facts import year_start
from services.pinned import ruleset_of
from services.signals import tell_left
from services.year_ends import tell_nearing

LATE_TRIP_SCHOOL_DAYS = 60
SCHOOLS_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Due:
    """A school and its evaluation date; `catching_up` is a night that was missed, evaluated before the latest."""

    school_id: UUID
    on: date
    catching_up: bool = False


@dataclass(frozen=True, slots=True)
class VersionToRun:
    """A version that is ACTIVE (whole scope), only pinned by open instances (those students only), or in shadow."""

    digest: str
    active: bool
    shadow: bool = False


@dataclass(frozen=True, slots=True)
class Pass:
    """One version over one school: the register of `on` and before, as known at `known_at`."""

    version: VersionToRun
    school_id: UUID
    on: date
    known_at: datetime
    catching_up: bool = False


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What a pass came to."""

    students: int = 0
    changed: int = 0
    opened: int = 0
    signalled: int = 0
    absorbed: int = 0
    late_trips: int = 0
    duties: int = 0

    def plus(self, other: "Evaluated") -> "Evaluated":
        """Both together."""
        mine, theirs = asdict(self), asdict(other)
        return Evaluated(**{name: mine[name] + theirs[name] for name in mine})


async def due_schools(session: AsyncSession, time_zone: str, *, now: datetime) -> list[Due]:
    """Schools of a zone whose evaluation date has something new, each after the nights it missed, in order."""
    digests = [version.digest for version in await versions_to_run(session)]
    schools = await schools_of(session, time_zone)
    since = await breakers.last_runs(session, schools)
    due: list[Due] = []
    for school_id in schools:
        due += await _due(session, school_id, since.get(school_id), digests, now)
    return due


async def _due(
    session: AsyncSession, school_id: UUID, since: date | None, digests: Sequence[str], now: datetime
) -> list[Due]:
    held = await breakers.held_from(session, school_id)
    on = await arrived_day(session, school_id, now, before=held)
    if on is None or (held and since is None):  # a first import begins with its last day, or waits for its release
        return []
    asked = {"school": school_id, "day": on, "digests": list(digests), "now": now}
    if not await session.scalar(nightly.FRESH_SINCE, asked):
        return []
    missed = [] if since is None else await missed_days(session, school_id, (since, on), now)
    return [*(Due(school_id, day, catching_up=True) for day in missed), Due(school_id, on)]


async def schools_of(session: AsyncSession, time_zone: str) -> Sequence[UUID]:
    """The schools of a zone."""
    wanted = select(School.id).where(School.timezone == time_zone).order_by(School.id)
    return (await session.scalars(wanted)).all()


async def begun_by_hand(session: AsyncSession, actor: Actor, runs: Sequence[str], *, now: datetime) -> None:
    """Write down who asked for a pass outside its hour, and which workflows it became."""
    act = audit.Act("run_evaluation", "tenant", actor.tenant_id, after={"runs": list(runs)})
    await audit.record(session, actor, act, now=now)


async def versions_to_run(session: AsyncSession) -> list[VersionToRun]:
    """Every version that is ACTIVE, pinned by an open instance, in shadow, or on which a duty rests."""
    return [VersionToRun(row.digest, row.active, row.shadow) for row in await session.execute(nightly.VERSIONS)]


async def evaluate_school(session: AsyncSession, actor: Actor, order: Pass, *, now: datetime) -> Evaluated:
    """Evaluate, start and signal in one transaction; the same pass again finds its rows and changes nothing."""
    held = await breakers.held_from(session, order.school_id)
    if held and order.on >= held:  # found suspect after it was due: it is due again once it is released or cleared
        return Evaluated()
    ruleset = await ruleset_of(session, order.version.digest)
    run = await _run(session, actor, order, ruleset, now)
    if order.catching_up and not await _ran_before(run):  # what is new in force has missed no night
        return Evaluated()
    done = Evaluated()
    if order.version.active and await ruleset_places.opens(session, ruleset, order.school_id, order.on):
        done = await _entries(run, actor)
        done = done.plus(await _late_trips(run))
    if not order.catching_up:  # a running case decides on what is so now, once
        done = done.plus(await _running(run))
    if order.version.shadow and not order.catching_up:
        await _beside_the_one_in_force(run, actor, now)
    lost = await duty_pass.looked_again(run, actor, order.school_id)
    done = done.plus(Evaluated(duties=lost))
    counts = {"school": order.school_id, "digest": order.version.digest, "day": order.on, "known_at": order.known_at}
    await session.execute(nightly.RECORD_RUN, {**counts, "counts": json.dumps(asdict(done))})
    if done.opened or done.signalled or done.late_trips or done.duties:
        act = audit.Act("evaluate", "school", order.school_id, after={**asdict(done), "date": order.on})
        await audit.record(session, actor, act, now=now)
    return done


async def run_nightly(
    sessions: Sessions, actor: Actor, due: Sequence[Due], *, known_at: datetime, now: datetime
) -> Evaluated:
    """Refresh, then every version over every due school, each in its own transaction."""
    await attendance_summaries.refresh(sessions, actor, now=now)
    await judge(sessions, actor, due, known_at=known_at, now=now)
    async with sessions.tenant(actor.tenant_id) as session:
        versions = await versions_to_run(session)
    done = Evaluated()
    for version in versions:
        for school in due:
            async with sessions.tenant(actor.tenant_id) as session:
                order = Pass(version, school.school_id, school.on, known_at, school.catching_up)
                done = done.plus(await evaluate_school(session, actor, order, now=now))
    return done


async def judge(sessions: Sessions, actor: Actor, due: Sequence[Due], *, known_at: datetime, now: datetime) -> int:
    """Measure the registers of these schools, some at a time; how many days came under suspicion."""
    lasts: dict[UUID, date] = {}
    for school in due:
        lasts[school.school_id] = max(school.on, lasts.get(school.school_id, school.on))
    tripped = 0
    ids = sorted(lasts)
    for first in range(0, len(ids), SCHOOLS_AT_ONCE):
        async with sessions.tenant(actor.tenant_id) as session:
            some = {}
            for school_id in ids[first : first + SCHOOLS_AT_ONCE]:
                arrived = await arrived_day(session, school_id, now)
                some[school_id] = max(lasts[school_id], arrived or lasts[school_id])
            tripped += await suspect_days.judge(session, actor, some, known_at=known_at, now=now)
    return tripped


async def judge_held(session: AsyncSession, actor: Actor, time_zone: str, *, now: datetime) -> None:
    """Measure again what is held: a correction may have made an ordinary day of it."""
    lasts = {}
    for school_id in await breakers.held_schools(session, time_zone):
        if arrived := await arrived_day(session, school_id, now):
            lasts[school_id] = arrived
    if lasts:
        await suspect_days.judge(session, actor, lasts, known_at=now, now=now)


@dataclass(frozen=True, slots=True)
class _Run:
    """One pass with everything its statements take."""

    session: AsyncSession
    order: Pass
    ruleset: RuleSet
    given: dict[str, Any]

    async def decide(self, compiled: Compiled, **subjects: object) -> int:
        """Fill `nightly_row`; how many rows."""
        return await self.make("nightly_row", compiled.statement, **compiled.params, **subjects)

    async def make(self, table: str, statement: str, **more: object) -> int:
        """A temporary table with statistics; how many rows."""
        await self.session.execute(text(f"drop table if exists pg_temp.{table}"))
        made = await self.session.execute(statement_of(statement), {**self.given, **more})
        await self.session.execute(text(f"analyze {table}"))
        return affected(made)

    async def do(self, statement: str, **more: object) -> int:
        """Run one statement; how many rows it wrote."""
        done = await self.session.execute(statement_of(statement), {**self.given, **more})
        return affected(done)


async def _run(session: AsyncSession, actor: Actor, order: Pass, ruleset: RuleSet, now: datetime) -> _Run:
    school = (await session.scalars(select(School).where(School.id == order.school_id))).one()
    wanted = select(RuleSetVersion.id).where(RuleSetVersion.digest == order.version.digest)
    version = (await session.scalars(wanted.order_by(RuleSetVersion.version.desc()))).first()
    given = {
        "tenant_id": actor.tenant_id,
        "day": order.on,
        "known_at": order.known_at,
        "now": now,
        "key": ruleset.key,
        "digest": order.version.digest,
        "version_id": version,
        "school_year": str(year_start(school.year_start, order.on).year),
        "year_start": school.year_start,
        "names": [str(key) for key in sorted(set(ruleset.metric_keys()))],
        **nightly.scoped(ruleset.scope),
    }
    return _Run(session, order, ruleset, given)


async def _ran_before(run: _Run) -> bool:
    asked = {"school": run.order.school_id, "digest": run.order.version.digest, "day": run.order.on}
    return bool(await run.session.scalar(nightly.RAN_BEFORE, asked))


async def _entries(run: _Run, actor: Actor) -> Evaluated:
    """The start rule over everybody scheduled: open what opens, note what an open case absorbs, remember the rest;
    then the duties, whether there is a case or not.
    """
    students = await run.decide(nightly.for_scheduled(run.ruleset), schools=[run.order.school_id])
    await run.make("nightly_standing", nightly.STANDING)
    await run.do(nightly.OPEN_CASES)
    opened = await run.do(nightly.OPEN_INSTANCES)
    absorbed = await run.do(nightly.ABSORB)
    await run.do(nightly.REMEMBER)
    school = (await run.session.scalars(select(School).where(School.id == run.order.school_id))).one()
    duties = await duty_pass.opened(run, actor, school) + await register_events.removals(run, actor, school)
    duties += await register_events.year_ends(run, actor, school)
    return Evaluated(students=students, opened=opened, absorbed=absorbed, duties=duties)


async def _beside_the_one_in_force(run: _Run, actor: Actor, now: datetime) -> None:
    """For whom a candidate's entry holds and that of the version in force does not, or the other way round."""
    schools, school_id = [run.order.school_id], run.order.school_id
    here = await ruleset_places.opens(run.session, run.ruleset, school_id, run.order.on)
    await run.decide(nightly.for_scheduled(run.ruleset), schools=schools)
    if not here:  # not law at this school: nobody would enter by it
        await run.do(shadow.NOBODY)
    await run.make("shadow_row", shadow.CANDIDATE)
    against = await run.session.scalar(_in_force(run.ruleset.key))
    if against is None or not await ruleset_places.opens(
        run.session, rival := await ruleset_of(run.session, against), school_id, run.order.on
    ):
        await run.do(shadow.NOBODY)
    else:
        order = replace(run.order, version=VersionToRun(against, active=True))
        other = await _run(run.session, actor, order, rival, now)
        await other.decide(nightly.for_scheduled(rival), schools=schools)
    await run.make("shadow_pair", shadow.BOTH)
    shadows = select(RuleSetVersion.id).where(
        RuleSetVersion.digest == run.order.version.digest, RuleSetVersion.shadow_since.is_not(None)
    )
    for version_id in (await run.session.scalars(shadows)).all():
        for statement in (shadow.FORGET, shadow.DIFFER, shadow.NIGHT):
            await run.do(statement, version_id=version_id, school=school_id, against=against)


def _in_force(key: str) -> Select[str]:
    version, owner = RuleSetVersion, StoredRuleSet
    wanted = select(version.digest).join(owner, owner.id == version.rule_set_id)
    return wanted.where(owner.key == key, version.status == "ACTIVE")


async def _running(run: _Run) -> Evaluated:
    """Open cases pinned to this version hear of it when their leaves or their past changed, or their student left."""
    asked = {"digest": run.order.version.digest, "school": run.order.school_id}
    cases = (await run.session.execute(nightly.RUNNING, asked)).all()
    if not cases:
        return Evaluated()
    left = await tell_left(run.session, [case.id for case in cases], run.given["now"], day=run.order.on)
    left += await tell_nearing(run.session, [case.id for case in cases], run.order.on)
    compiled = nightly.for_listed(run.ruleset)
    await run.decide(
        compiled,
        students=[case.student_id for case in cases],
        schools=[case.lead_school_id for case in cases],
        steps=[case.effective_day for case in cases],
    )
    changed = nightly.reaching(run.ruleset, nightly.CHANGED)
    told = await run.do(changed, instances=[case.id for case in cases], conditions=list(compiled.conditions))
    return Evaluated(changed=told, signalled=told + left)


async def _late_trips(run: _Run) -> Evaluated:
    """Days of the past on which a later correction made the entry true: listed for staff, nothing starts (S8.2)."""
    since = await run.session.scalar(
        nightly.LAST_RUN,
        {"school": run.order.school_id, "digest": run.order.version.digest, "known_at": run.order.known_at},
    )
    if since is None:  # a first pass: what was true before is history
        return Evaluated()
    earliest = run.order.on - timedelta(days=2 * LATE_TRIP_SCHOOL_DAYS)
    asked = {**run.given, "since": since, "earliest": earliest}
    names = ("day", "earliest", "since", "known_at", "key")
    statement = statement_of(nightly.reaching(run.ruleset, nightly.CORRECTED))
    corrected = (await run.session.execute(statement, {name: asked[name] for name in names})).all()
    left = {row.student_id: row.first for row in corrected}
    if not left:
        return Evaluated()
    found = 0
    compiled = nightly.for_listed(run.ruleset)
    last = run.order.on - timedelta(days=1)
    days = await calendar.open_days_between(run.session, run.order.school_id, min(left.values()), last)
    for day in days[-LATE_TRIP_SCHOOL_DAYS:]:
        students = [student for student, first in left.items() if first <= day]
        past = replace(run, given={**run.given, "day": day})
        schools, steps = [run.order.school_id] * len(students), [None] * len(students)
        await past.decide(compiled, students=students, schools=schools, steps=steps)
        rows = await run.session.execute(statement_of(nightly.LATE), past.given)
        tripped = set(rows.scalars())
        left = {student: first for student, first in left.items() if student not in tripped}
        found += len(tripped)
    return Evaluated(late_trips=found)
