"""Every decision of a case is written down once, and comes out again from what was written alone."""

from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import inspect, update

from models.attendance import SessionFact
from models.rulesets import DecisionRow
from rules.engine.durable_rules import engine_for
from rules.errors import NotFound
from rules.ladder.words import Action
from services import decision_log, decisions
from services.decision_log import Replayed
from services.decisions import Question
from tests.services.seeding import DIGEST, TODAY, Family, World
from tests.services.test_decisions import FIRST, LATER, WEEK, decided, mark

pytestmark = pytest.mark.servers


@pytest.fixture
def ill(world: World) -> Family:
    family = world.family()
    mark(world, family, WEEK, "I", "AUTHORISED_ABSENT")
    return family


def replayed(world: World, family: Family, row: DecisionRow, language: str = "en") -> Replayed:
    async def replay() -> Replayed:
        async with world.sessions.tenant(family.tenant_id) as session:
            return await decision_log.replay(session, await decision_log.get(session, row.id), language)

    return world.run(replay())


def test_a_decision_is_written_down_with_everything_it_rests_on(world: World, ill: Family) -> None:
    told = decided(world, ill)
    (row,) = world.rows(ill, DecisionRow)
    assert told.action is Action.ADVANCE
    assert (row.action, row.stage_key, row.rule, row.digest, row.date) == (
        "ADVANCE",
        "contact",
        "stage:contact",
        DIGEST,
        TODAY,
    )
    assert row.evaluation_id == told.basis.evaluation_id
    assert row.sentence == told.basis.sentence
    assert row.leaves[0]["sentence"] == "7 absences in 30 calendar days (22 Oct - 20 Nov); threshold 5"
    assert row.position == {"stage": None, "wait_elapsed": True, "previous_reached": True, "muted": []}
    assert row.engines_agree


def test_asked_again_in_the_same_words_it_stands_there_once(world: World, ill: Family) -> None:
    decided(world, ill)
    decided(world, ill)
    assert len(world.rows(ill, DecisionRow)) == 1
    decided(
        world,
        ill,
        Question(
            DIGEST, "contact", may_advance=False, previous_reached=True, since=date(2026, 11, 17), evaluation_id=None
        ),
    )
    rows = sorted(world.rows(ill, DecisionRow), key=lambda one: one.id)
    assert [row.action for row in rows] == ["ADVANCE", "WAIT"]
    assert "wait" in rows[1].held_back
    assert rows[1].sentence


def test_it_comes_out_again_when_the_register_says_something_else(world: World, ill: Family) -> None:
    decided(world, ill)
    (row,) = world.rows(ill, DecisionRow)
    assert replayed(world, ill, row).differences == ()
    world.change(ill, update(SessionFact).where(SessionFact.student_id == ill.student_id).values(status="PRESENT"))
    assert replayed(world, ill, row).differences == ()


def test_a_row_that_says_something_else_is_told(world: World, ill: Family) -> None:
    decided(world, ill)
    (row,) = world.rows(ill, DecisionRow)
    values = {one.key: getattr(row, one.key) for one in inspect(DecisionRow).column_attrs}
    other = DecisionRow(**values | {"id": uuid4(), "action": "STOP", "sentence": "2 absences"})

    async def write() -> None:
        async with world.sessions.tenant(ill.tenant_id) as session:
            session.add(other)

    world.run(write())
    found = [row for row in world.rows(ill, DecisionRow) if row.action == "STOP"]
    assert [one.what for one in replayed(world, ill, found[0]).differences] == ["action", "sentence"]


def test_engines_that_differ_stand_in_the_log_too(world: World, ill: Family) -> None:
    async def decide() -> None:
        async with world.sessions.tenant(ill.tenant_id) as session:
            prepared = await decisions.prepare(session, ill.case("w/differ", LATER), FIRST)
            said = engine_for(prepared.ruleset).decide(prepared.position, {}, prepared.row.facts)
            await decisions.answer(session, ill.case("w/differ", LATER), prepared, said, FIRST)

    world.run(decide())
    (row,) = world.rows(ill, DecisionRow)
    assert not row.engines_agree


def test_the_same_decision_is_told_in_the_readers_language_and_still_comes_out(world: World, ill: Family) -> None:
    decided(world, ill)
    (row,) = world.rows(ill, DecisionRow)
    polish = replayed(world, ill, row, "pl")
    assert (polish.told is not None, polish.differences) == (True, ())
    assert polish.told
    assert "7 nieobecności w ciągu 30 dni kalendarzowych (22 paź - 20 lis); próg 5" in polish.told.sentence
    assert replayed(world, ill, row).told is None  # English: the words that were written down


def test_the_evaluation_of_a_basis_finds_its_decision_and_nothing_else_does(world: World, ill: Family) -> None:
    basis = decided(world, ill).basis
    assert basis.evaluation_id is not None

    async def found() -> DecisionRow:
        async with world.sessions.tenant(ill.tenant_id) as session:
            with pytest.raises(NotFound, match="take the id of a decision"):
                await decision_log.get(session, uuid4())
            assert basis.evaluation_id is not None
            return await decision_log.get(session, basis.evaluation_id)

    (row,) = world.rows(ill, DecisionRow)
    assert world.run(found()).id == row.id
