"""Support plans: opened once, agreed only when whole, reviewed, told to the case; a copy tells nothing of another."""

from collections.abc import Coroutine
from datetime import date, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from models.instances import Task
from models.plans import SupportPlan
from models.reliability import Outbox
from models.session import Session
from rules.errors import DomainError
from rules.plans.content import Aim, PlanAction, PlanContent, PlanParty, PlanReview, Signature, Signing
from services import artifacts, plans
from services.context import Actor
from services.plans import OpenPlan, ReviewPlan, WritePlan
from tests.services.seeding import NOW, TODAY, Family, World, grace, henry

pytestmark = pytest.mark.servers
LATER = TODAY + timedelta(days=28)


def officer(family: Family) -> Actor:
    return Actor(family.tenant_id, family.officer_id, "attendance_officer", "Office", "r-1", "api")  # type: ignore[arg-type]  # ids of rows are plain UUIDs


def whole(family: Family) -> PlanContent:
    mother, father = family.guardians["grace"], family.guardians["henry"]
    return PlanContent(
        aims=(
            Aim(party=PlanParty.GUARDIAN, guardian_id=mother, words="I want him to like Mondays."),
            Aim(party=PlanParty.GUARDIAN, guardian_id=father, words="Canaryaim of the father."),
        ),
        actions=(
            PlanAction(party=PlanParty.SCHOOL, what="Breakfast club.", due_on=TODAY),
            PlanAction(party=PlanParty.GUARDIAN, guardian_id=father, what="Canarydrive to school.", due_on=TODAY),
        ),
        adjustments=("Comes in by the side door.",),
        signatures=(
            Signature(party=PlanParty.SCHOOL, signed_on=TODAY),
            Signature(party=PlanParty.GUARDIAN, guardian_id=mother, signed_on=TODAY, how=Signing.SAID_YES),
        ),
        review_on=LATER,
    )


class Plans:
    """One family's plan, through the services."""

    def __init__(self, world: World) -> None:
        self.world, self.family = world, world.family(grace(), henry())
        self.actor = officer(self.family)
        self.plan = self.opened()

    def opened(self) -> SupportPlan:
        case, wanted = self.family.case("w/plan"), OpenPlan(10, "plan")
        row: SupportPlan = self.inside(lambda session: plans.open_plan(session, case, wanted))
        return row

    def inside(self, act: Any) -> Any:
        async def acted() -> Any:
            async with self.world.sessions.tenant(self.family.tenant_id) as session:
                return await act(session)

        return self.world.run(acted())

    def write(self, content: PlanContent) -> SupportPlan:
        command = WritePlan(self.plan.id, content, "Written together.")
        row: SupportPlan = self.inside(lambda s: plans.write(s, self.actor, command, now=NOW))
        return row

    def agree(self, on: date = TODAY) -> SupportPlan:
        row: SupportPlan = self.inside(lambda s: plans.agree(s, self.actor, self.plan.id, on, now=NOW))
        return row

    def review(self, result: PlanReview, on: date | None = None) -> SupportPlan:
        command = ReviewPlan(self.plan.id, result, "We looked.", on)
        row: SupportPlan = self.inside(lambda s: plans.review(s, self.actor, command, now=NOW))
        return row

    def tasks(self) -> list[tuple[str, date | None]]:
        async def waiting(session: Session) -> list[tuple[str, date | None]]:
            wanted = select(Task.kind, Task.due_on).where(Task.status == "OPEN").order_by(Task.id)
            return [(kind, due) for kind, due in await session.execute(wanted)]

        found: list[tuple[str, date | None]] = self.inside(waiting)
        return found

    def signals(self) -> list[dict[str, Any]]:
        async def sent(session: Session) -> list[dict[str, Any]]:
            rows = await session.scalars(select(Outbox.payload).where(Outbox.kind == "instance.signal"))
            return [row for row in rows if row["signal"] == "plan_agreed"]

        found: list[dict[str, Any]] = self.inside(sent)
        return found

    def copy(self, name: str, key: str) -> UUID:
        made: Coroutine[Any, Any, Any] = plans.copy(
            self.world.means, self.actor, self.plan.id, self.family.guardians[name], key, now=NOW
        )
        stored: UUID = self.world.run(made).id
        return stored


def refused(code: str) -> Any:
    return pytest.raises(DomainError, check=lambda error: error.code == code)


def test_a_plan_is_opened_once_agreed_when_whole_and_reviewed(world: World) -> None:
    it = Plans(world)
    assert it.opened().id == it.plan.id
    assert it.tasks() == [("write_plan", it.plan.due_on)]
    with refused("plan_incomplete"):
        it.agree()
    with refused("plan_not_agreed"):
        it.review(PlanReview.END)
    it.write(whole(it.family))
    for day in (TODAY + timedelta(days=1), TODAY - timedelta(days=1)):
        with refused("agreed_on"):
            it.agree(day)
    assert it.signals() == []
    row = it.agree()
    assert (row.status, row.agreed_on, row.agreed_by) == ("AGREED", TODAY, it.family.officer_id)
    (signal,) = it.signals()
    assert signal["argument"] == {"plan_id": str(row.id), "on": TODAY.isoformat()}
    assert it.tasks() == [("review_plan", LATER)]
    with refused("plan_agreed"):
        it.agree()
    with refused("plan_incomplete"):
        it.write(PlanContent())
    for again in (None, TODAY):
        with refused("review_on"):
            it.review(PlanReview.CONTINUE, again)
    assert it.review(PlanReview.CONTINUE, LATER + timedelta(days=7)).review_on == LATER + timedelta(days=7)
    assert it.tasks() == [("review_plan", LATER + timedelta(days=7))]
    assert it.review(PlanReview.END).status == "ENDED"
    assert it.tasks() == []
    with refused("plan_ended"):
        it.write(whole(it.family))


def test_parts_name_their_guardian_and_only_the_childs_own(world: World) -> None:
    it = Plans(world)
    with refused("plan_parts"):
        it.write(PlanContent(aims=(Aim(party=PlanParty.GUARDIAN, words="Whose?"),)))
    with refused("guardian_not_found"):
        it.write(PlanContent(aims=(Aim(party=PlanParty.GUARDIAN, guardian_id=uuid4(), words="A stranger's."),)))


def test_a_copy_shows_one_guardian_nothing_of_the_other(world: World) -> None:
    it = Plans(world)
    with refused("plan_not_agreed"):
        it.copy("grace", "k-0")
    it.write(whole(it.family))
    it.agree()
    first = it.copy("grace", "k-1")
    assert it.copy("grace", "k-1") == first
    assert [kind for kind, _ in it.tasks()] == ["review_plan", "hand_over_plan"]
    pdf = world.run(artifacts.content(world.means, it.actor, first, now=NOW))
    said = " ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)
    assert "I want him to like Mondays." in said
    assert "Breakfast club." in said
    for canary in ("Canaryaim", "Canarydrive", "Canarytwo", "Hidden Road"):
        assert canary not in said
    assert "Canaryaim" in " ".join(
        page.extract_text()
        for page in PdfReader(
            BytesIO(world.run(artifacts.content(world.means, it.actor, it.copy("henry", "k-2"), now=NOW)))
        ).pages
    )
