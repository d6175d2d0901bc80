"""A notice goes to whoever may be held liable; whether improvement is sufficient is judged when its time is over."""

from typing import Any

import pytest
from sqlalchemy import select, update

from models.guardians import Guardian, GuardianLink
from models.letters import LetterTemplate, LetterTemplateVersion
from rules.rulesets.ruleset import dump_ruleset, load_pack
from services import letter_templates, rulesets
from services.governed import MoveVersion
from services.rulesets import DraftRuleSet
from tests.journeys.conftest import Teller
from tests.journeys.district import FRED, GRACE, Child
from tests.journeys.openings import FIRST_ABSENCES
from tests.journeys.story import Story, one_after_another

pytestmark = pytest.mark.servers
ENOUGH = {
    "key": "enough",
    "when": {"not": {"type": "AbsenceCountThreshold", "params": {"count": 1, "window": 5, "unit": "SCHOOL"}}},
    "says": "no day is missed in five school days.",
}
NOTICE = {
    "key": "notice",
    "type": "NOTICE",
    "template": "NOTICE_TO_IMPROVE",
    "approval": "LEADER",
    "cite": "s.1",
    "period_school_weeks": 2,
    "stop": [ENOUGH],
    "elements": ["period", "what_sufficient_improvement_is", "support_so_far"],
}


def with_a_notice() -> dict[str, Any]:
    """The general ladder whose second rung is a notice instead of letters."""
    document = dump_ruleset(load_pack("general"))
    contact, *_, meeting, escalation = document["stages"]
    document["stages"] = [contact, NOTICE, meeting, escalation]
    document["follow_up"]["relapse_to"] = "meeting"
    document["tests"] = []
    law = {"authority": "statute", "text": "s.1", "source": "The Act", "checked_on": "2026-11-21"}
    document["citations"] = [*document.get("citations", []), law]
    return document


async def noticed(s: Story) -> None:
    """Grace may be held liable, Fred may not; a week after the talk another absence, and the notice leaves."""
    officer, leader = s.district.staff.officer, s.district.staff.leader
    async with s.tenant() as session:
        shipped = select(LetterTemplateVersion.id).join(
            LetterTemplate, LetterTemplate.id == LetterTemplateVersion.template_id
        )
        (version_id,) = await session.scalars(shipped.where(LetterTemplate.key == "NOTICE_TO_IMPROVE"))
        move = MoveVersion(version_id, "read by both of us")
        await letter_templates.submit(session, officer, move, now=s.now)
        await letter_templates.approve(session, leader, move, now=s.now)
        drafted = await rulesets.draft(session, officer, DraftRuleSet(with_a_notice(), "as the law has it"), now=s.now)
        await s.district.put_in_force(session, drafted.row.id, s.now)
        for parent, answer in ((GRACE, True), (FRED, False)):
            theirs = select(Guardian.id).where(Guardian.email == parent.email).scalar_subquery()
            mine = update(GuardianLink).where(GuardianLink.guardian_id == theirs)
            await session.execute(mine.values(may_be_held_liable=answer))
    s.absent(*FIRST_ABSENCES)
    await s.evening("2031-09-05")
    await s.day("2031-09-08")
    await s.approve("contact")
    await s.speaks_with_family()
    s.absent("2031-09-15")
    await s.evening("2031-09-15")
    await s.day("2031-09-16")
    await s.approve("notice")
    await s.must_stand("WAITING notice")


def test_the_family_has_its_whole_time_and_improvement_leads_out(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await noticed(s)
        assert s.mailed_to() == [GRACE.email]
        (letter,) = await s.letters()
        assert letter.merge_data["sufficient_improvement"] == ["no day is missed in five school days."]
        assert letter.merge_data["notice_until"] == "2031-09-30"
        await s.evenings("2031-09-26")
        await s.must_stand("WAITING notice")
        await s.evenings("2031-10-01")
        await s.must_stand("EXIT_REVIEW notice")
        assert one_after_another(await s.events(), "LETTER_SENT", "NOTICE_RUNS", "EXIT_RECOMMENDED")

    tell(story, children=[Child("Sam", (GRACE, FRED))])


def test_what_did_not_improve_goes_on_when_the_time_is_over(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await noticed(s)
        s.absent("2031-09-26", "2031-09-29")
        await s.evenings("2031-09-29")
        await s.must_stand("WAITING notice")
        await s.evenings("2031-10-01")
        await s.must_stand("AWAITING_APPROVAL meeting")

    tell(story, children=[Child("Sam", (GRACE, FRED))])
