"""A rung where school and family write a plan: the ladder counts from the day they agree, and no harder step before."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from models.guardians import Guardian
from models.instances import Task
from models.plans import SupportPlan
from rules.ladder import commands
from rules.plans.content import Aim, PlanAction, PlanContent, PlanParty, Signature
from rules.rulesets.ruleset import dump_ruleset, load_pack
from services import plans, rulesets
from services.plans import WritePlan
from services.rulesets import DraftRuleSet
from tests.journeys.conftest import Teller
from tests.journeys.openings import FIRST_ABSENCES
from tests.journeys.story import Story, day, one_after_another

pytestmark = pytest.mark.servers
PLAN = {"key": "plan", "type": "PLAN", "within_school_days": 10, "wait_school_days": 5}


def with_a_plan() -> dict[str, Any]:
    """The general ladder whose second rung is a plan instead of letters."""
    document = dump_ruleset(load_pack("general"))
    contact, *_, meeting, escalation = document["stages"]
    document["stages"] = [contact, PLAN, meeting, escalation]
    document["follow_up"]["relapse_to"] = "meeting"
    document["tests"] = []
    return document


async def planned(s: Story) -> SupportPlan:
    """The family was spoken with; a week later, after another absence, a plan is to be written."""
    async with s.tenant() as session:
        drafted = await rulesets.draft(
            session, s.district.staff.officer, DraftRuleSet(with_a_plan(), "a plan helps more"), now=s.now
        )
        await s.district.put_in_force(session, drafted.row.id, s.now)
    s.absent(*FIRST_ABSENCES)
    await s.evening("2031-09-05")
    await s.day("2031-09-08")
    await s.approve("contact")
    await s.speaks_with_family()
    s.absent("2031-09-15")
    await s.evening("2031-09-15")
    await s.day("2031-09-16")
    await s.approve("plan")
    await s.must_stand("WAITING plan")
    (row,) = await s.rows(SupportPlan)
    return row


async def write(s: Story, plan: SupportPlan) -> None:
    mother = (await s.rows(Guardian))[0].id
    today = s.now.date()
    content = PlanContent(
        aims=(Aim(party=PlanParty.GUARDIAN, guardian_id=mother, words="I want her to like mornings again."),),
        actions=(PlanAction(party=PlanParty.SCHOOL, what="Breakfast club from Monday.", due_on=today),),
        adjustments=("Comes in by the side door.",),
        signatures=(
            Signature(party=PlanParty.SCHOOL, signed_on=today),
            Signature(party=PlanParty.GUARDIAN, guardian_id=mother, signed_on=today),
        ),
        review_on=today + timedelta(days=28),
    )
    async with s.tenant() as session:
        command = WritePlan(plan.id, content, "Written at the kitchen table.")
        await plans.write(session, s.district.staff.officer, command, now=s.now)


async def agree(s: Story, plan: SupportPlan) -> None:
    async with s.tenant() as session:
        await plans.agree(session, s.district.staff.officer, plan.id, s.now.date(), now=s.now)
    await s.flow()


def test_the_ladder_counts_from_the_day_the_plan_is_agreed(tell: Teller) -> None:
    async def story(s: Story) -> None:
        plan = await planned(s)
        assert (plan.status, plan.stage_key, plan.due_on) == ("DRAFT", "plan", day("2031-09-30"))
        assert "write_plan" in await s.tasks()
        s.absent("2031-09-29", "2031-09-30", "2031-10-01")
        await s.evenings("2031-10-01")
        await s.must_stand("WAITING plan")
        await s.day("2031-10-02")
        await write(s, plan)
        await agree(s, plan)
        assert "write_plan" not in await s.tasks()
        s.absent("2031-10-07", "2031-10-08")
        await s.evenings("2031-10-08")
        await s.must_stand("WAITING plan")
        await s.evenings("2031-10-10")
        await s.must_stand("AWAITING_APPROVAL meeting")
        assert one_after_another(await s.events(), "PLAN_OPENED", "PLAN_AGREED", "STEP_TAKEN", "WAIT_STARTED")
        assert s.mails() == []

    tell(story)


def test_a_plan_nobody_agreed_on_ends_with_the_case(tell: Teller) -> None:
    async def story(s: Story) -> None:
        plan = await planned(s)
        await s.say("stop", commands.Stop, reason_code="OTHER_SUPPORT")
        assert await s.stands() == "CLOSED STOPPED OTHER_SUPPORT"
        (row,) = await s.rows(SupportPlan)
        assert (row.id, row.status, row.reason) == (plan.id, "ENDED", "case_closed")
        async with s.tenant() as session:
            kinds = select(Task.kind).where(Task.status == "OPEN")
            assert "write_plan" not in (await session.scalars(kinds)).all()

    tell(story)
