"""A tenant that is suspended: its cases wait where they are, nothing leaves; resumed, they flow on by themselves."""

from datetime import timedelta
from uuid import UUID

import pytest

from rules.ladder import commands
from services import tenants
from services.context import system
from services.tenants import Stand, TenantStanding
from tests.journeys.conftest import Teller
from tests.journeys.district import GRACE
from tests.journeys.openings import letter_proposed
from tests.journeys.story import Story

pytestmark = pytest.mark.servers


async def stand(s: Story, standing: TenantStanding) -> None:
    tenant_id = s.district.actor.tenant_id
    async with s.means.sessions.untenanted() as session:
        command = Stand(UUID(str(tenant_id)), standing, "Their contract.")
        await tenants.stand(session, system(tenant_id, "cli", "test"), command, now=s.now)


def test_an_approved_letter_waits_while_the_tenant_is_suspended_and_goes_out_afterwards(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await letter_proposed(s)
        await s.day("2031-09-16")
        pending = await s.proposal()
        await s.says("approve", commands.Approve, proposal_id=pending.id, reason="")
        await stand(s, TenantStanding.SUSPENDED)
        await s.env.sleep(timedelta(hours=3))
        assert s.mails() == [], "nothing leaves, however long it lasts"
        await stand(s, TenantStanding.ACTIVE)
        await s.until(await s.env.get_current_time() + timedelta(hours=2))
        assert await s.stands() == "WAITING letter-1"
        assert s.mailed_to() == [GRACE.email]

    tell(story, undo_seconds=60)
