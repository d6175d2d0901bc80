"""Decisions on real rows: both engines agree, a correction removes a basis, time alone does not, reasons stay out."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, update

from models.attendance import SessionFact
from models.instances import Task
from models.rulesets import Evaluation
from models.students import AbsenceReason, Exemption
from rules.engine.durable_rules import engine_for
from rules.errors import Invalid
from rules.ladder.state import Basis, BasisCheck, Decision, Verdict
from rules.ladder.words import Action, StopReason, StopThen
from rules.rulesets.messages import LANGUAGES
from rules.rulesets.ruleset import ladder_snapshot
from services import decisions
from services.decisions import Question
from services.reasoning import Spelt, spelt
from tests.services.seeding import DIGEST, NOW, PACK, TODAY, Family, World, school_days_until

pytestmark = pytest.mark.servers
LATER = datetime(2026, 11, 20, 20, tzinfo=UTC)  # the cut-off of the seeded Friday has passed
WEEK = tuple(TODAY - timedelta(days=n) for n in (0, 1, 2, 3, 4))  # Monday to Friday, all missed
FIRST = Question(DIGEST, None, may_advance=True, previous_reached=True, since=None, evaluation_id=None)


@pytest.fixture
def ill(world: World) -> Family:
    """A student who was ill for the whole week, at the first rung's threshold."""
    family = world.family()
    mark(world, family, WEEK, "I", "AUTHORISED_ABSENT")
    return family


def mark(world: World, family: Family, days: Sequence[date], code: str, status: str) -> None:
    changed = update(SessionFact).where(SessionFact.student_id == family.student_id, SessionFact.date.in_(days))
    world.change(family, changed.values(code=code, status=status))


def correct(world: World, family: Family, days: Sequence[date], at: datetime) -> None:
    """The register says later that the student was there: the old rows end where the new ones begin."""
    mine = (SessionFact.student_id == family.student_id, SessionFact.date.in_(days))
    world.change(family, update(SessionFact).where(*mine).values(known_to=at))
    rows: list[dict[str, Any]] = [
        {
            "student_id": family.student_id,
            "school_id": family.school_id,
            "date": day,
            "session": half,
            "known_from": at,
            "status": "PRESENT",
            "code": "/",
        }
        for day in days
        for half in ("AM", "PM")
    ]
    world.change(family, insert(SessionFact).values(rows))


def decided(world: World, family: Family, asked: Question = FIRST, now: datetime = LATER) -> Decision:
    async def decide() -> Decision:
        case = family.case("w/decide", now)
        async with world.sessions.tenant(family.tenant_id) as session:
            prepared = await decisions.prepare(session, case, asked)
            engine = engine_for(prepared.ruleset)
            said = engine.decide(prepared.position, prepared.row.metrics, prepared.row.facts)
            return await decisions.answer(session, case, prepared, said, asked)

    return world.run(decide())


def checked(world: World, family: Family, basis: Basis, now: datetime) -> BasisCheck:
    async def check() -> BasisCheck:
        async with world.sessions.tenant(family.tenant_id) as session:
            return (await decisions.check(session, family.case("w/check", now), DIGEST, [basis]))[0]

    return world.run(check())


def looked(world: World, family: Family, basis: Basis, now: datetime = LATER) -> Verdict:
    async def look() -> Verdict:
        async with world.sessions.tenant(family.tenant_id) as session:
            stage = ladder_snapshot(PACK, 1).stages[1]
            return await decisions.preflight(session, family.case("w/look", now), DIGEST, stage, basis, None)

    return world.run(look())


def spelt_out(world: World, family: Family, basis: Basis, now: datetime = LATER) -> Spelt:
    async def spell() -> Spelt:
        async with world.sessions.tenant(family.tenant_id) as session:
            return await spelt(session, family.case("w/spell", now), basis)

    return world.run(spell())


def test_a_week_of_absence_advances_with_its_dates_and_both_engines_agree(world: World, ill: Family) -> None:
    decision = decided(world, ill)
    assert decision.action is Action.ADVANCE
    assert decision.basis.on == TODAY
    assert "5" in decision.basis.sentence
    assert "20 Nov" in decision.basis.sentence


def test_the_sentence_names_no_reason_but_the_queue_row_may(world: World, ill: Family) -> None:
    basis = decided(world, ill).basis
    assert "illness" not in basis.sentence

    assert "illness" in spelt_out(world, ill, basis).make_up["en"]


def test_every_leaf_that_decided_is_told_with_figures_days_and_a_sentence_of_its_own(world: World, ill: Family) -> None:
    leaves = spelt_out(world, ill, decided(world, ill).basis).leaves
    assert [(leaf["leaf"], leaf["truth"], leaf["value"], leaf["threshold"]) for leaf in leaves] == [
        ("AbsenceCountThreshold", True, "7", "5"),
        ("AttendancePercentThreshold", True, "88.1356", "90"),
        ("ConsecutiveAbsenceDays", True, "5", "3"),
    ]
    counted, percent, in_a_row = leaves
    assert counted["sentence"] == "7 absences in 30 calendar days (22 Oct - 20 Nov); threshold 5"
    assert percent["sentence"] == "88.1 % attended, threshold at below 90 %"
    assert in_a_row["sentence"] == "5 school days missed in a row (16 Nov - 20 Nov); threshold 3"
    assert (in_a_row["first_day"], in_a_row["last_day"]) == ("2026-11-16", "2026-11-20")


def test_a_leaf_is_kept_in_every_language(world: World, ill: Family) -> None:
    spelt = spelt_out(world, ill, decided(world, ill).basis)
    counted = spelt.leaves[0]["sentences"]
    assert set(counted) == set(LANGUAGES)
    assert counted["en"] == spelt.leaves[0]["sentence"]
    assert counted["ga"] == "7 asláithreacht i 30 lá féilire (22 DFómh - 20 Samh); tairseach 5"
    assert "enfermedad" in spelt.make_up["es"]


def test_a_step_that_no_condition_decided_has_no_leaves(world: World, ill: Family) -> None:
    by_hand = decided(world, ill).basis.but(fired=())
    assert spelt_out(world, ill, by_hand).leaves == ()
    assert spelt_out(world, ill, Basis()) == Spelt()


def test_the_same_question_finds_its_row_again(world: World, ill: Family) -> None:
    first, second = decided(world, ill), decided(world, ill)
    assert first == second
    assert len(world.rows(ill, Evaluation)) == 1


def test_nothing_happens_to_a_student_who_was_there(world: World) -> None:
    assert decided(world, world.family()).action is Action.WAIT


def test_an_sql_row_that_disagrees_with_the_engine_is_an_alarm_and_no_action(world: World, ill: Family) -> None:
    decision = decided(world, ill)
    flipped = update(Evaluation).where(Evaluation.id == decision.basis.evaluation_id)
    world.change(ill, flipped.values(leaves_true="0" * 40))
    asked = Question(DIGEST, None, may_advance=True, previous_reached=True, since=None, evaluation_id=_id(decision))
    for _ in ("once", "and tried again"):
        assert decided(world, ill, asked).action is Action.ENGINES_DIFFER
    (alarm,) = [task for task in world.rows(ill, Task) if task.kind == "ENGINES_DIFFER"]
    assert (alarm.role, alarm.status, alarm.details["subject"]) == (
        "district_admin",
        "OPEN",
        str(decision.basis.evaluation_id),
    )


def _id(decision: Decision) -> UUID:
    assert decision.basis.evaluation_id is not None
    return decision.basis.evaluation_id


def test_a_correction_removes_the_basis_and_says_both_values(world: World, ill: Family) -> None:
    basis = decided(world, ill).basis
    corrected = LATER + timedelta(days=1)
    correct(world, ill, WEEK[:4], corrected)
    found = checked(world, ill, basis, corrected + timedelta(hours=1))
    assert found.holds is False
    assert found.sentence == (
        "3 days of absence instead of 7, 112 half days attended instead of 104, "
        "0 school days missed in a row instead of 5: the condition no longer holds"
    )
    assert found.before != found.after


def test_time_alone_never_removes_a_basis(world: World, ill: Family) -> None:
    basis = decided(world, ill).basis
    assert checked(world, ill, basis, LATER + timedelta(days=90)).holds is True


def test_a_basis_kept_by_a_person_holds_whatever_the_register_says(world: World, ill: Family) -> None:
    basis = decided(world, ill).basis.but(kept=True)
    correct(world, ill, WEEK, LATER + timedelta(hours=1))
    assert checked(world, ill, basis, LATER + timedelta(hours=2)).holds is True


def test_an_exemption_stops_the_case_before_anything_else(world: World, ill: Family) -> None:
    facts = {"student_id": ill.student_id, "scope": "stop", "kind": "MEDICAL", "reason": "letter seen"}
    world.change(ill, insert(Exemption).values(**facts, starts_on=TODAY))
    decision = decided(world, ill)
    assert decision.action is Action.STOP
    assert decision.stop is not None
    assert (decision.stop.then, decision.stop.reason) == (StopThen.STOPPED, StopReason.EXEMPT)


@pytest.mark.parametrize(("accepted", "stops"), [(10, True), (9, False)])
def test_reasons_stop_a_case_only_if_they_cover_every_absence(world: World, *, accepted: int, stops: bool) -> None:
    family = world.family()
    mark(world, family, WEEK, "O", "UNAUTHORISED_ABSENT")
    present = [day for day in (date(2026, 11, 9), date(2026, 11, 11)) if day not in WEEK]
    mark(world, family, present, "/", "PRESENT")
    sessions = [(day, half) for day in WEEK for half in ("AM", "PM")][:accepted]
    rows = [
        {
            "student_id": family.student_id,
            "school_id": family.school_id,
            "date": day,
            "session": half,
            "reason": "hospital",
            "status": "ACCEPTED",
        }
        for day, half in sessions
    ]
    world.change(family, insert(AbsenceReason).values(rows))
    assert (decided(world, family).action is Action.STOP) is stops


def test_the_last_look_sees_contact_stop_entitlement_and_basis(world: World, ill: Family) -> None:
    basis = decided(world, ill).basis
    before = looked(world, ill, basis)
    assert (before.contact_stop, before.entitled, before.sending, before.basis.holds) == (False, 1, True, True)
    world.stop_contact(ill, "STUDENT", ill.student_id)
    assert looked(world, ill, basis).contact_stop is True


def test_the_last_look_names_a_stop_that_came_true_in_a_sentence(world: World, ill: Family) -> None:
    basis = decided(world, ill).basis
    ends = {"scope": "stop", "kind": "PART_TIME_TIMETABLE", "reason": "agreed"}
    world.change(ill, insert(Exemption).values(student_id=ill.student_id, starts_on=TODAY, ends_on=TODAY, **ends))
    stop = looked(world, ill, basis).stop
    assert stop is not None
    assert (stop.key, stop.reason, stop.sentence) == ("exempt", StopReason.EXEMPT, "an exemption is in force")


def test_before_any_register_has_arrived_the_case_says_what_to_do(world: World) -> None:
    family = world.family()
    long_after = NOW + timedelta(days=120)  # thirty school days without a mark
    with pytest.raises(Invalid, match="No register"):
        decided(world, family, now=long_after)


def test_a_basis_names_the_values_that_held_so_that_a_letter_quotes_no_other(world: World) -> None:
    family = world.family()
    early = [day for day in school_days_until(date(2026, 9, 18)) if day.day <= 14]  # below 90 % long before the window
    mark(world, family, early, "O", "UNAUTHORISED_ABSENT")
    mark(world, family, (date(2026, 11, 9), date(2026, 11, 11), date(2026, 11, 16)), "/", "PRESENT")
    basis = decided(world, family).basis
    assert any(name.startswith("attended_sessions/ytd") for name in basis.holding)
    assert not any("calendar:30" in name for name in basis.holding)
