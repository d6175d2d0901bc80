"""A notice goes to whoever may be held liable, says all the law asks, and tells nobody what was done for another."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from models.guardians import GuardianLink
from models.instances import Contact
from models.plans import SupportPlan
from rules.errors import Invalid
from rules.ladder.stages import Stage, StageType
from rules.ladder.state import Basis
from services import letters, plans
from services.decisions import preflight
from services.letters import Wish
from services.notices import NoticeTerms, notice_fields
from services.plans import OpenPlan
from tests.services.seeding import DIGEST, NOW, TODAY, Family, World, grace, henry
from tests.services.writing import whole

pytestmark = pytest.mark.servers
ELEMENTS = (
    "attendance_record_and_offences",
    "benefits_and_s7_duty",
    "support_so_far",
    "further_support",
    "warning_pn_or_prosecution",
    "period",
    "what_sufficient_improvement_is",
    "grounds_for_early_issue",
)
NOTICE = Stage(
    key="notice",
    type=StageType.NOTICE,
    template="NOTICE_TO_IMPROVE",
    wait_school_days=15,
    period_school_weeks=3,
    elements=ELEMENTS,
    sufficient=("no day is missed.",),
)


def inside(world: World, family: Family, act: Any) -> Any:
    async def acted() -> Any:
        async with world.sessions.tenant(family.tenant_id) as session:
            return await act(session)

    return world.run(acted())


def liable(world: World, family: Family, **said: bool | None) -> None:
    async def write(session: Any) -> None:
        for name, value in said.items():
            mine = update(GuardianLink).where(GuardianLink.guardian_id == family.guardians[name])
            await session.execute(mine.values(may_be_held_liable=value))

    inside(world, family, write)


def planned(world: World, family: Family, *elements: str) -> list[UUID]:
    wish = Wish("NOTICE_TO_IMPROVE", "notice", purpose="notices", elements=elements or ELEMENTS)
    rows = inside(world, family, lambda session: letters.plan(session, family.case("w/n"), wish))
    return [row.guardian_id for row in rows]


def test_it_goes_to_whoever_may_be_held_liable_and_nobody_else(world: World) -> None:
    family = world.family(grace(), henry())
    liable(world, family, grace=True, henry=False)
    assert planned(world, family) == [family.guardians["grace"]]
    assert "entitlement_unknown" not in world.task_kinds(family)


def test_where_nobody_has_said_who_is_liable_staff_are_asked_and_nothing_is_written(world: World) -> None:
    family = world.family(grace(), henry())
    liable(world, family, grace=None, henry=None)
    assert planned(world, family) == []
    assert world.task_kinds(family) == ["entitlement_unknown", "entitlement_unknown"]


def test_the_look_before_acting_counts_the_liable(world: World) -> None:
    family = world.family(grace(), henry())
    for answers, wanted in (((True, True), 2), ((True, None), 1), ((False, False), 0)):
        liable(world, family, grace=answers[0], henry=answers[1])
        found = inside(
            world,
            family,
            lambda session: preflight(session, family.case("w/p"), DIGEST, NOTICE, Basis(), None),
        )
        assert found.entitled == wanted


def test_a_notice_that_lacks_an_element_is_not_written(world: World) -> None:
    family = world.family(grace())
    liable(world, family, grace=True)
    with pytest.raises(Invalid, match="court_date") as refused:
        planned(world, family, *ELEMENTS, "court_date")
    assert refused.value.code == "notice_elements_missing"
    assert world.task_kinds(family) == []


def test_each_guardian_reads_only_what_was_offered_to_them(world: World) -> None:
    family = world.family(grace(), henry())
    world.run(whole(world.means, family))
    mother, father = family.guardians["grace"], family.guardians["henry"]

    async def happened(session: Any) -> None:
        spoken = {"instance_id": family.instance_id, "student_id": family.student_id, "mode": "CALL"}
        session.add(Contact(**spoken, guardian_id=mother, reached=True, contacted_at=NOW - timedelta(days=3)))
        session.add(Contact(**spoken, guardian_id=father, reached=False, contacted_at=NOW - timedelta(days=2)))
        row = await plans.open_plan(session, family.case("w/plan"), OpenPlan(5, "plan"))
        signed = {"status": "AGREED", "agreed_on": TODAY, "signatures": [{"guardian_id": str(father)}]}
        await session.execute(update(SupportPlan).where(SupportPlan.id == row.id).values(**signed))

    inside(world, family, happened)
    terms = NoticeTerms.of(NOTICE)
    assert terms is not None

    def told(guardian_id: UUID, language: str = "en") -> dict[str, Any]:
        fields: dict[str, Any] = inside(
            world, family, lambda session: notice_fields(session, family.case("w/n"), guardian_id, terms, language)
        )
        return fields

    hers, his = told(mother), told(father)
    assert [line.split(": ")[1] for line in hers["support_so_far"]] == ["a talk with you", "a letter to you"]
    assert [line.split(": ")[1] for line in his["support_so_far"]] == [
        "we tried to reach you",
        "a letter to you",
        "our plan together",
    ]
    assert [date.fromisoformat(line) for line in told(father, "pl")["support_so_far"]]
    assert (hers["notice_weeks"], hers["sufficient_improvement"], hers["early_grounds"]) == (
        3,
        ["no day is missed."],
        [],
    )
    assert date.fromisoformat(hers["notice_until"]) > TODAY
    assert NoticeTerms.of(NOTICE.model_copy(update={"type": StageType.LETTER})) is None
