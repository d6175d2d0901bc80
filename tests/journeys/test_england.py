"""England's ladder to its end: the notice, then a penalty notice asked of the authority for each of two parents."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from models.guardians import Guardian, GuardianLink
from models.letters import LetterArtifact, LetterTemplate, LetterTemplateVersion
from models.people import School
from models.referrals import Referral
from models.rulesets import RuleSet, RuleSetVersion
from models.students import Student
from rules.ladder import commands
from rules.referrals.readiness import ReferralResult, ReferralWay
from rules.rulesets.ruleset import dump_ruleset, load_pack
from services import (
    delivery,
    evidence_packs,
    guardian_histories,
    letter_templates,
    referral_readiness,
    referrals,
    rulesets,
)
from services.delivery import HandOver
from services.governed import MoveVersion
from services.guardian_histories import RecordHistory
from services.referrals import RecordAnswer, SendReferral
from services.rulesets import DraftRuleSet
from tests.journeys.conftest import Teller
from tests.journeys.district import FRED, GRACE, Child, Parent
from tests.journeys.story import Story, one_after_another

pytestmark = [pytest.mark.servers, pytest.mark.slow]
AUTHORITY = "the local authority"


async def in_england(s: Story) -> None:
    """England's pack as it is shipped, in force alone: its wording is approved, and both parents may be held liable."""
    await s.day("2031-09-01")
    officer, leader = s.district.staff.officer, s.district.staff.leader
    async with s.tenant() as session:
        there = {**(await session.scalars(select(School))).one().settings, "jurisdiction": "GB-ENG"}
        await session.execute(update(School).values(settings=there))
        await session.execute(update(Student).values(dob=date(2020, 5, 5)))
        await session.execute(update(GuardianLink).values(may_be_held_liable=True))
        shipped = select(LetterTemplateVersion.id).join(
            LetterTemplate, LetterTemplate.id == LetterTemplateVersion.template_id
        )
        (wording,) = await session.scalars(shipped.where(LetterTemplate.key == "NOTICE_TO_IMPROVE"))
        move = MoveVersion(wording, "read by both of us")
        await letter_templates.submit(session, officer, move, now=s.now)
        await letter_templates.approve(session, leader, move, now=s.now)
        versions = select(RuleSetVersion.id).join(RuleSet, RuleSet.id == RuleSetVersion.rule_set_id)
        shipped_law = DraftRuleSet(dump_ruleset(load_pack("gb-eng-2024")), "as it is shipped")
        drafted = await rulesets.draft(session, officer, shipped_law, now=s.now)
        await s.district.put_in_force(session, drafted.row.id, s.now)
        (general,) = await session.scalars(versions.where(RuleSet.key == "general"))
        await rulesets.retire(session, leader, MoveVersion(general, "the law's ladder instead"), now=s.now)


async def met(s: Story) -> None:
    """Spoken with, written to, met: a support plan is what came of it."""
    s.absent("2031-09-03", "2031-09-04", "2031-09-05", "2031-09-08", "2031-09-09")
    await s.evening("2031-09-09")
    await s.day("2031-09-10")
    await s.approve("contact")
    await s.speaks_with_family()
    s.absent("2031-09-18", "2031-09-25", "2031-10-02", "2031-10-06")
    await s.evening("2031-09-18")
    await s.day("2031-09-19")
    await s.approve("letter-1")
    await s.evening("2031-10-06")
    await s.day("2031-10-07")
    await s.approve("meeting")
    booked = (await s.view()).state.meeting
    assert booked is not None
    assert booked.ends_at is not None
    await s.until(booked.ends_at)
    await s.outcome("SUPPORT_PLAN", held_at=booked.starts_at)
    await s.must_stand("WAITING meeting")


async def noticed(s: Story) -> None:
    """The notice is posted to both; six school weeks do not help."""
    s.absent(
        "2031-10-13",
        "2031-10-14",
        "2031-10-20",
        "2031-11-03",
        "2031-11-10",
        "2031-11-17",
        "2031-11-24",
        "2031-12-01",
        "2031-12-08",
        "2031-12-15",
    )
    await s.weeks("2031-10-24")
    await s.must_stand("AWAITING_APPROVAL notice-to-improve")
    await s.day("2031-11-03")
    await s.approve("notice-to-improve")
    posted = [one for one in await s.letters() if one.stage_key == "notice-to-improve"]
    for letter in posted:
        await posts(s, letter)
    assert len(posted) == 2
    await s.weeks("2031-12-19")
    await s.must_stand("WAITING notice-to-improve")


async def posts(s: Story, letter: LetterArtifact) -> None:
    assert letter.guardian_id is not None
    done = HandOver((await s.case()).id, letter.guardian_id, s.now.date(), posted=True)
    async with s.tenant() as session:
        told = await delivery.record_handover(session, s.district.staff.officer, done, now=s.now)
    said: dict[str, Any] = {"guardian_id": letter.guardian_id, "effective_day": told.effective_day}
    await s.say("record_delivery", commands.RecordDelivery, **said, handed_over=True)


async def confirmed(s: Story) -> None:
    """The authority says that neither parent was ever given a notice for Sam; a second person has read the letter."""
    officer, leader = s.district.staff.officer, s.district.staff.leader
    student = await s.student()
    async with s.tenant() as session:
        for guardian in (await session.scalars(select(Guardian.id))).all():
            told = RecordHistory(student, guardian, (), "The authority's letter", s.now.date(), "Asked.")
            await guardian_histories.put(session, officer, told, now=s.now)
            await guardian_histories.confirm(session, leader, (student, guardian), "Read it.", now=s.now)


async def of(s: Story, parent: Parent) -> Referral:
    (guardian,) = await s.rows(Guardian, Guardian.email == parent.email)
    (row,) = await s.rows(Referral, Referral.guardian_id == guardian.id)
    return row


async def missing(s: Story, row: Referral, pack_id: UUID | None) -> dict[str, str]:
    leader = s.district.staff.leader
    async with s.tenant() as session:
        case = (row, referrals.case_of(leader, row, s.now))
        found = await referral_readiness.blockers_of(session, s.means.keyring, leader, case, pack_id)
    return {name.value: says for name, says in found.items()}


async def released(s: Story, row: Referral) -> UUID:
    """The pack that the case drafted for this parent, looked at and released by two people."""
    async with s.tenant() as session:
        pack_id = await referral_readiness.latest_pack(session, row)
    assert pack_id is not None
    assert await missing(s, row, pack_id) == {
        "PACK": "the evidence pack is not released by two people, or was recalled"
    }
    for actor in (s.district.staff.officer, s.district.staff.leader):
        await evidence_packs.pages(s.means, actor, pack_id, now=s.now)
        async with s.tenant() as session:
            seen = (pack_id, (await evidence_packs.get(session, pack_id)).sha256)
            await evidence_packs.release(session, s.means.keyring, actor, seen, now=s.now)
    return pack_id


async def sends(s: Story, parent: Parent) -> None:
    row = await of(s, parent)
    command = SendReferral(row.id, await released(s, row), ReferralWay.PORTAL, s.now.date())
    async with s.tenant() as session:
        await referrals.send(session, s.means.keyring, s.district.staff.leader, command, now=s.now)
    await s.flow()


def test_after_a_notice_that_changed_nothing_each_parent_is_referred_to_the_authority(tell: Teller) -> None:
    async def story(s: Story) -> None:
        await in_england(s)
        await met(s)
        await noticed(s)
        s.absent("2032-01-05", "2032-01-06", "2032-01-07")
        await s.weeks("2032-01-09")
        await s.must_stand("WAITING notice-to-improve")  # who was fined before is not known: nothing goes on
        await confirmed(s)
        await s.evening("2032-01-12")
        await s.must_stand("AWAITING_APPROVAL penalty-notice-request")
        assert (await s.proposal()).approval == "DISTRICT"
        await s.day("2032-01-13")
        await s.approve("penalty-notice-request", by=s.district.staff.leader)
        await s.must_stand("WAITING penalty-notice-request")
        assert [row.recipient for row in await s.rows(Referral)] == [AUTHORITY] * 2
        assert (await s.tasks()).count("prepare_referral") == 2

        await sends(s, GRACE)
        state = (await s.view()).state
        assert (state.steps[-1].reached, state.wait_from) == (False, None), "Fred's is not sent"
        await s.day("2032-01-20")
        await sends(s, FRED)
        assert (await s.view()).state.steps[-1].effective_day == date(2032, 1, 20)
        officer, theirs = s.district.staff.officer, await of(s, GRACE)
        async with s.tenant() as session:
            await referrals.acknowledge(session, officer, theirs.id, (s.now.date(), "PN-17"), now=s.now)
            answer = RecordAnswer(theirs.id, ReferralResult.MEASURE, s.now.date(), "A notice is issued.")
            await referrals.answer(session, officer, answer, now=s.now)
        await s.flow()
        assert {(row.status, row.result) for row in await s.rows(Referral)} == {("DECIDED", "MEASURE"), ("SENT", None)}
        case = await s.case()
        assert (case.status, case.phase) == ("ESCALATED", "WAITING")
        rungs = ["contact", "letter-1", "meeting", "notice-to-improve", "penalty-notice-request"]
        assert [event.stage_key for event in await s.told(kind="STAGE_ENTERED")] == rungs
        assert one_after_another(
            await s.events(), "NOTICE_RUNS", "REFERRAL_OPENED", "REFERRAL_SENT", "REFERRAL_SENT", "REFERRAL_RESULT"
        )

    tell(story, children=[Child("Sam", (GRACE, FRED))])
