"""What an authority did about each guardian: recorded, confirmed by a second person, counted alike in every form."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from dateutil.relativedelta import relativedelta
from sqlalchemy import select, text, update

from bulk.people import Profile
from bulk.profiles import fact_columns
from bulk.vocabulary import Ints, as_day
from models.guardians import Guardian, GuardianHistory, GuardianLink
from models.people import Person
from models.queries.fact_columns import with_facts
from models.queries.guardian_histories import liable
from models.queries.student_decisions import Moment
from models.rulesets import Evaluation
from models.session import Sessions
from models.students import Student
from rules.errors import Conflict, Forbidden, Invalid
from rules.ids import InstanceId, PersonId, SchoolId, StudentId, TenantId
from rules.rulesets.activation import activation_problems
from rules.rulesets.comparisons import FactKey
from rules.rulesets.facts import CaseFacts
from rules.rulesets.guardian_histories import LiableGuardian, histories
from rules.rulesets.ruleset import parse_ruleset
from services import guardian_histories
from services.context import Actor, CaseRef
from services.evaluations import evaluate_student
from services.guardian_histories import AuthorityEvent, RecordHistory
from services.pinned import ruleset_of
from tests.services.test_nightly import DAYS, a_school, activate, evening, the_school

pytestmark = pytest.mark.servers
Tell = Callable[[Callable[[], Any]], None]
NOW = datetime.combine(DAYS[2], time(17), UTC)
TODAY = NOW.date()
THREE_YEARS = FactKey.parse("guardian_events/penalty_notice/3:year")
KEYS = (
    THREE_YEARS,
    FactKey.parse("guardian_events/penalty_notice/5:week"),
    FactKey.parse("guardian_events/warning/3:year"),
)
ABSENT = {"type": "AbsenceCountThreshold", "params": {"count": 3, "window": 30}}
CAPPED = {
    "type": "PriorEvents",
    "params": {"kind": "penalty_notice", "at_least": 2, "within": {"value": 3, "unit": "year"}, "per": "guardian"},
}


class Family:
    """One student, mother and father, and two of staff."""

    def __init__(self, sessions: Sessions, actor: Actor) -> None:
        self.sessions, self.system = sessions, actor
        self.student = self.mother = self.father = self.school = UUID(int=0)
        self.staff: dict[str, UUID] = {}

    async def settle(self) -> "Family":
        async with self.sessions.tenant(self.system.tenant_id) as session:
            self.student = (await session.scalars(select(Student.id))).one()
            people = [Person(subject=name, display_name=name) for name in ("officer", "leader")]
            parents = [Guardian(source_id=name, name=name) for name in ("mother", "father")]
            session.add_all([*people, *parents])
            await session.flush()
            self.mother, self.father = (one.id for one in parents)
            self.staff = {one.subject: one.id for one in people}
            session.add_all(GuardianLink(student_id=self.student, guardian_id=one.id) for one in parents)
        self.school = await the_school(self.sessions, self.system)
        return self

    def actor(self, name: str) -> Actor:
        return Actor(self.system.tenant_id, PersonId(self.staff[name]), name, name, "r", "api")

    async def recorded(self, guardian: UUID, *events: AuthorityEvent, at: datetime = NOW) -> None:
        command = RecordHistory(self.student, guardian, events, "The authority's letter", at.date(), "Asked.")
        async with self.sessions.tenant(self.system.tenant_id) as session:
            await guardian_histories.put(session, self.actor("officer"), command, now=at)

    async def confirmed(self, guardian: UUID, name: str = "leader", at: datetime = NOW) -> None:
        async with self.sessions.tenant(self.system.tenant_id) as session:
            who = (self.student, guardian)
            await guardian_histories.confirm(session, self.actor(name), who, "Read the letter.", now=at)

    async def told(self, guardian: UUID, *days: date, at: datetime = NOW, kind: str = "penalty_notice") -> None:
        await self.recorded(guardian, *(AuthorityEvent(kind, day, None, withdrawn=False) for day in days), at=at)
        await self.confirmed(guardian, at=at)

    async def linked(self, guardian: UUID, **values: Any) -> None:
        async with self.sessions.tenant(self.system.tenant_id) as session:
            await session.execute(update(GuardianLink).where(GuardianLink.guardian_id == guardian).values(**values))

    async def counted(self, on: date = TODAY, known_at: datetime = NOW) -> tuple[int | None, ...]:
        """Each key by the reference, which SQL and the vector form must agree with."""
        async with self.sessions.tenant(self.system.tenant_id) as session:
            known = await liable(session, [self.student], known_at)
            mine = known.get(self.student, ())
            subject = "select cast(:student as uuid) as student_id, cast(:school as uuid) as school_id"
            drawn = with_facts(subject, KEYS)
            asked = f"select {', '.join(drawn.columns[key] for key in KEYS)} from ({drawn.sql}) f"
            given = {"student": self.student, "school": self.school, "day": on, "known_at": known_at, **drawn.params}
            in_sql = tuple((await session.execute(text(asked), given)).one())
        facts = CaseFacts(day=on, guardian_events=histories(mine, on))
        reference = tuple(facts.get(key) for key in KEYS)
        assert in_sql == reference
        columns = fact_columns([Profile(guardians=mine)], as_array(0), KEYS, as_array(as_day(on)))
        vector = [int(columns[key].values[0, 0]) if columns[key].known[0, 0] else None for key in KEYS]
        assert tuple(vector) == reference
        return reference


def as_array(number: int) -> Ints:
    return np.array([number], np.int64)


@pytest.fixture
def family(sessions: Sessions, tell: Tell, tmp_path: Path) -> Callable[[Callable[[Family], Any]], None]:
    def run(story: Callable[[Family], Any]) -> None:
        async def told() -> None:
            await story(await Family(sessions, await a_school(sessions, tmp_path, "NNN/////")).settle())

        tell(told)

    return run


Run = Callable[[Callable[[Family], Any]], None]


def test_it_is_unknown_until_every_liable_guardians_history_is_confirmed(family: Run) -> None:
    async def story(one: Family) -> None:
        assert await one.counted() == (None, None, None)
        await one.told(one.mother, TODAY - timedelta(days=40))
        assert await one.counted() == (None, None, None), "the father's is not there"
        await one.recorded(one.father)
        assert await one.counted() == (None, None, None), "nobody has confirmed the father's"
        await one.confirmed(one.father)
        assert await one.counted() == (1, 0, 0)
        await one.told(one.father, TODAY, TODAY - timedelta(days=1), TODAY - timedelta(days=36))
        assert await one.counted() == (3, 2, 0), "of the guardian who has most"
        await one.linked(one.father, may_be_held_liable=False)
        assert await one.counted() == (1, 0, 0), "who may not be held liable does not count"
        await one.linked(one.mother, may_be_held_liable=False)
        assert await one.counted() == (None, None, None), "nobody is left to ask about"

    family(story)


def test_two_guardians_with_one_each_are_not_one_with_two(family: Run) -> None:
    async def story(one: Family) -> None:
        await one.told(one.mother, TODAY)
        await one.told(one.father, TODAY)
        assert (await one.counted())[0] == 1
        await one.told(one.mother, TODAY, TODAY)
        assert (await one.counted())[0] == 2, "two notices of one day are two"

    family(story)


def test_the_three_years_roll_and_what_was_withdrawn_does_not_count(family: Run) -> None:
    edge = TODAY - relativedelta(years=3)
    unpaid, withdrawn = edge + timedelta(days=1), TODAY - timedelta(days=2)

    async def story(one: Family) -> None:
        await one.told(one.father)
        await one.recorded(
            one.mother,
            AuthorityEvent("penalty_notice", edge, "PN-1", withdrawn=False),
            AuthorityEvent("penalty_notice", unpaid, "PN-2", withdrawn=False),
            AuthorityEvent("penalty_notice", withdrawn, "PN-3", withdrawn=True),
            AuthorityEvent("warning", edge + timedelta(days=2), None, withdrawn=False),
        )
        await one.confirmed(one.mother)
        assert await one.counted() == (1, 0, 1)
        assert (await one.counted(on=TODAY - timedelta(days=1)))[0] == 2, "a day earlier the oldest counts too"
        assert (await one.counted(on=TODAY + timedelta(days=1)))[0] == 0
        async with one.sessions.tenant(one.system.tenant_id) as session:
            views = await guardian_histories.of_student(session, one.student, on=TODAY)
        by_name = {view.view.guardian.name: view.penalty_notices(TODAY) for view in views}
        assert by_name == {"mother": 1, "father": 0}

    family(story)


def test_what_counts_is_what_was_known_then(family: Run) -> None:
    async def story(one: Family) -> None:
        later = NOW + timedelta(days=2)
        await one.told(one.father)
        await one.told(one.mother, TODAY)
        await one.recorded(one.mother, at=later)
        assert (await one.counted(known_at=later))[0] is None, "what replaced it waits for its second person"
        assert (await one.counted(known_at=NOW))[0] == 1
        await one.confirmed(one.mother, at=later)
        assert (await one.counted(known_at=later))[0] == 0
        assert (await one.counted(known_at=NOW - timedelta(seconds=1)))[0] is None

    family(story)


def test_a_link_counts_on_its_days_and_a_guardian_until_they_die(family: Run) -> None:
    async def story(one: Family) -> None:
        await one.told(one.mother, TODAY)
        await one.linked(one.father, valid_from=TODAY, valid_to=TODAY + timedelta(days=1))
        found = [(await one.counted(on=TODAY + timedelta(days=n)))[0] for n in (-1, 0, 1, 2)]
        assert found == [0, None, None, 1], "on the days between, the father's history is asked for"
        await one.linked(one.father, valid_from=None, valid_to=None)
        async with one.sessions.tenant(one.system.tenant_id) as session:
            died = update(Guardian).where(Guardian.id == one.father).values(deceased_on=TODAY)
            await session.execute(died)
        assert [(await one.counted(on=TODAY + timedelta(days=n)))[0] for n in (-1, 0)] == [None, 1]

    family(story)


def test_one_person_records_and_another_confirms(family: Run) -> None:
    async def story(one: Family) -> None:
        with pytest.raises(Conflict, match="record it first"):
            await one.confirmed(one.mother)
        await one.recorded(one.mother)
        with pytest.raises(Forbidden, match="second person"):
            await one.confirmed(one.mother, "officer")
        await one.confirmed(one.mother)
        with pytest.raises(Conflict, match="waits"):
            await one.confirmed(one.mother)
        future = AuthorityEvent("penalty_notice", TODAY + timedelta(days=1), None, withdrawn=False)
        with pytest.raises(Invalid, match="has happened"):
            await one.recorded(one.mother, future)
        late = RecordHistory(one.student, one.mother, [], "s", TODAY + timedelta(days=9), "r")
        stranger = RecordHistory(one.student, await a_stranger(one), [], "s", TODAY, "r")
        for command, says in ((late, "has happened"), (stranger, "none of theirs")):
            async with one.sessions.tenant(one.system.tenant_id) as session:
                with pytest.raises(Invalid, match=says):
                    await guardian_histories.put(session, one.actor("officer"), command, now=NOW)
        async with one.sessions.tenant(one.system.tenant_id) as session:
            kept = (await session.scalars(select(GuardianHistory))).all()
        assert [row.replaced_at for row in kept] == [None], "a refusal replaces nothing"

    family(story)


async def a_stranger(one: Family) -> UUID:
    async with one.sessions.tenant(one.system.tenant_id) as session:
        row = Guardian(source_id="stranger", name="stranger")
        session.add(row)
        await session.flush()
        return row.id


@pytest.mark.parametrize(("notices", "action"), [(1, "WAIT"), (2, "ADVANCE")])
def test_the_night_and_a_decision_agree_at_the_cap(family: Run, notices: int, action: str) -> None:
    stages = [
        {"key": "letter", "type": "LETTER", "template": "LETTER_1_ATTENDANCE"},
        {"key": "other", "type": "ESCALATION", "case_tier": 3, "approval": "LEADER", "when": CAPPED},
    ]

    async def story(one: Family) -> None:
        digest = await activate(one.sessions, one.system, "capped", {"all": [ABSENT, CAPPED]})
        await one.told(one.mother, *[TODAY] * notices)
        await one.told(one.father)
        await evening(one.sessions, one.system, DAYS[2])
        async with one.sessions.tenant(one.system.tenant_id) as session:
            found = await session.execute(text("select id, student_id from instance where rule_set_key = 'capped'"))
            cases = found.all()
            assert len(cases) == (action == "ADVANCE")
            for case_id, student_id in cases:
                ids = (TenantId(one.system.tenant_id), SchoolId(one.school), StudentId(student_id), InstanceId(case_id))
                case = CaseRef(*ids, key="k", now=NOW + timedelta(hours=3))
                ruleset = await ruleset_of(session, digest)
                await evaluate_student(session, case, ruleset, digest, Moment(DAYS[2], case.now))
                both = (
                    await session.scalars(
                        select(Evaluation.facts["ageing"].astext).where(
                            Evaluation.digest == digest, Evaluation.date == DAYS[2]
                        )
                    )
                ).all()
                assert len(both) == 2
                assert both[0] == both[1]

    assert not list(activation_problems(parse_ruleset({"key": "k", "title": "K", "entry": ABSENT, "stages": stages})))
    family(story)


def test_histories_are_those_of_the_day() -> None:
    first, second = date(2026, 1, 1), date(2026, 2, 1)
    events = (("penalty_notice", first), ("warning", second), ("penalty_notice", second))
    known = [LiableGuardian("m", None, first, events), LiableGuardian("f", second, None, None)]
    assert histories(known, first) == {"m": {"penalty_notice": (first, second), "warning": (second,)}}
    assert histories(known, second) == {"f": None}
