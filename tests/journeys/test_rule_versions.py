"""A case keeps the version it began with; a newer one is applied on purpose, the difference seen."""

from typing import Any

import pytest
from sqlalchemy import select

from models.rulesets import RuleSetVersion
from rules.errors import Invalid
from rules.ladder import commands
from rules.rulesets.ruleset import dump_ruleset, ladder_snapshot, load_pack, parse_ruleset
from services import rulesets
from services.rulesets import DraftRuleSet
from tests.journeys.conftest import Teller
from tests.journeys.district import Child, Parent
from tests.journeys.openings import spoken
from tests.journeys.story import Story

pytestmark = pytest.mark.servers
UNA = Parent("Ursula Una", "ursula@example.org")


def quicker() -> dict[str, Any]:
    """The general ladder with one letter only."""
    document = dump_ruleset(load_pack("general"))
    document["stages"] = [stage for stage in document["stages"] if stage["key"] != "letter-1"]
    document["tests"] = []
    return document


async def second_version(s: Story) -> RuleSetVersion:
    async with s.tenant() as session:
        drafted = await rulesets.draft(
            session, s.district.staff.officer, DraftRuleSet(quicker(), "one letter is enough"), now=s.now
        )
        await s.district.put_in_force(session, drafted.row.id, s.now)
        row: RuleSetVersion = (
            await session.scalars(select(RuleSetVersion).where(RuleSetVersion.id == drafted.row.id))
        ).one()
        return row


def test_a_running_case_stays_on_its_retired_version_until_the_new_one_is_applied(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await spoken(s)
        newer = await second_version(s)
        s.absent("2031-09-15")
        s.absent("2031-09-10", "2031-09-11", "2031-09-12", child="Una")
        await s.evening("2031-09-15")
        assert await s.stands() == "AWAITING_APPROVAL letter-1", "the retired version is still evaluated"
        assert (await s.case("Una")).digest == newer.digest, "new cases begin on the active version"
        await s.say("skip", commands.Skip, reason="The new rules have one letter.")
        assert await s.stands() == "WAITING letter-1"

    tell(story, children=[Child("Sam"), Child("Una", (UNA,))])


def test_a_newer_version_is_applied_when_somebody_has_seen_the_difference(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await spoken(s)
        newer = await second_version(s)
        ladder = ladder_snapshot(parse_ruleset(newer.content), newer.version)
        with pytest.raises(Invalid):
            await s.say("apply_ruleset_version", commands.ApplyRuleSetVersion, ladder=ladder, acknowledged=False)
        await s.say("apply_ruleset_version", commands.ApplyRuleSetVersion, ladder=ladder, acknowledged=True)
        case = await s.case()
        assert (case.digest, case.rule_set_version_id) == (newer.digest, newer.id)
        s.absent("2031-09-15")
        await s.evening("2031-09-15")
        assert await s.stands() == "AWAITING_APPROVAL letter-2"

    tell(story)
