"""Referrals: one for each guardian who may be liable, sent only when everything is there, taken back with its step."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from models.attendance import SessionFact
from models.audit import AuditEntry
from models.evidence_packs import EvidencePack
from models.guardians import GuardianLink
from models.instances import Instance, Proposal, Task
from models.people import Person, School
from models.referrals import Referral
from models.reliability import Outbox
from models.session import Session
from models.students import AbsenceReason
from rules.errors import Conflict, DomainError
from rules.ids import PersonId, ProposalId, SchoolId
from rules.ladder.parts import Referred
from rules.ladder.stages import Approval, ReferredTo, Stage, StageType
from rules.ladder.state import State, Step
from rules.ladder.words import ProposalKind, TransferChoice
from rules.referrals.readiness import Blocker, ReferralResult, ReferralWay
from services import evidence_packs, guardian_histories, referral_readiness, referrals, transfers
from services.context import Actor
from services.evidence_packs import PreparePack
from services.guardian_histories import RecordHistory
from services.proposals import NewProposal, open_proposal
from services.referrals import OpenReferrals, RecordAnswer, SendReferral
from services.transfers import Settle
from tests.keys import RING
from tests.services.seeding import ABSENT_DAYS, BASIS, DIGEST, NOW, TODAY, World, grace, henry

pytestmark = pytest.mark.servers
WANTED = OpenReferrals("referral", "The attendance service", ReferredTo.AUTHORITY, 10)
LIABLE = {"may_be_held_liable": True}
RESTS_ON = BASIS.but(digest=DIGEST)


class Referring:
    """One family's referrals, through the services; the case is shown as it would be by its workflow."""

    def __init__(self, world: World, *parents: Any) -> None:
        self.world, self.family = world, world.family(*(parents or (grace(**LIABLE), henry(**LIABLE))))
        self.officer = self._actor(self.family.officer_id, "attendance_officer")
        self.leader = self._actor(self.inside(self._second_person), "school_leader")

    def _actor(self, person_id: UUID, role: str) -> Actor:
        return Actor(self.family.tenant_id, PersonId(person_id), role, role, "r-1", "api")

    async def _second_person(self, session: Session) -> UUID:
        leader = Person(subject="leader", display_name="Lena Leader")
        session.add(leader)
        await session.flush()
        return leader.id

    def inside(self, act: Any) -> Any:
        async def acted() -> Any:
            async with self.world.sessions.tenant(self.family.tenant_id) as session:
                return await act(session)

        return self.world.run(acted())

    def opened(self) -> Sequence[Referral]:
        rows = self.world.run(referrals.open_all(self.world.means, self.family.case("w/referral"), WANTED))
        self.show("WAITING", *rows)
        return rows

    def show(self, phase: str, *rows: Referral) -> None:
        people = tuple(Referred(id=row.id, guardian_id=row.guardian_id) for row in rows)
        step = Step(stage_key="referral", basis=RESTS_ON, referrals=people)
        state = State(steps=(step,)).model_dump(mode="json", exclude={"ladder"})
        mine = update(Instance).where(Instance.id == self.family.instance_id)
        self.world.change(self.family, mine.values(phase=phase, stage_key="referral", state=state))

    def missing(self, row: Referral, pack_id: UUID | None = None) -> dict[str, str]:
        case = referrals.case_of(self.leader, row, NOW)
        found = self.inside(lambda s: referral_readiness.blockers_of(s, RING, self.leader, (row, case), pack_id))
        return {name.value: says for name, says in found.items()}

    def histories(self) -> None:
        for guardian_id in self.family.guardians.values():
            who = (self.family.student_id, guardian_id)
            told = RecordHistory(*who, (), "The authority's letter", TODAY, "Asked.")
            self.inside(lambda s, told=told: guardian_histories.put(s, self.officer, told, now=NOW))
            self.inside(lambda s, who=who: guardian_histories.confirm(s, self.leader, who, "Read it.", now=NOW))

    def pack(self, row: Referral, recipient: str = "The attendance service", *, release: bool = True) -> UUID:
        kind = referral_readiness.PACKS[ReferredTo(row.referred_to)]
        wanted = PreparePack(row.case_id, kind, row.guardian_id, recipient, "Referred.")
        pack: EvidencePack = self.world.run(evidence_packs.prepare(self.world.means, self.officer, wanted, now=NOW))
        for actor in (self.officer, self.leader) if release else ():
            self.world.run(evidence_packs.pages(self.world.means, actor, pack.id, now=NOW))
            seen = (pack.id, pack.sha256)
            self.inside(lambda s, actor=actor, seen=seen: evidence_packs.release(s, RING, actor, seen, now=NOW))
        return pack.id

    def send(self, row: Referral, pack_id: UUID, on: date = TODAY) -> Referral:
        command = SendReferral(row.id, pack_id, ReferralWay.PORTAL, on)
        sent: Referral = self.inside(lambda s: referrals.send(s, RING, self.leader, command, now=NOW))
        return sent

    def told(self) -> list[tuple[str, str]]:
        async def sent(session: Session) -> list[tuple[str, str]]:
            rows = await session.scalars(select(Outbox.payload).where(Outbox.kind == "instance.signal"))
            mine = [row["argument"] for row in rows if row["signal"] == "referral_changed"]
            return [(one["referral_id"], one["change"]) for one in mine]

        found: list[tuple[str, str]] = self.inside(sent)
        return found

    def tasks(self) -> list[tuple[str, str]]:
        rows = self.world.rows(self.family, Task, Task.status == "OPEN", Task.kind != "RELEASE_PACK")
        return [(row.kind, row.details["subject"]) for row in rows]

    def verbs(self) -> list[str]:
        rows = self.world.rows(self.family, AuditEntry, AuditEntry.subject_kind == "referral")
        return [row.verb for row in rows]


def refused(code: str) -> Any:
    return pytest.raises(DomainError, check=lambda error: error.code == code)


def test_each_liable_guardian_gets_one_with_a_draft_of_the_papers_once(world: World) -> None:
    it = Referring(world, grace(**LIABLE), henry(may_be_held_liable=False))
    (row,) = it.opened()
    assert [one.id for one in it.opened()] == [row.id]
    assert (row.guardian_id, row.status) == (it.family.guardians["grace"], "PREPARING")
    (pack,) = world.rows(it.family, EvidencePack)
    assert (pack.kind, pack.guardian_id, pack.status) == ("AUTHORITY_REFERRAL", row.guardian_id, "DRAFT")
    assert it.tasks() == [("prepare_referral", str(row.id))]
    assert it.verbs() == ["open_referral"]
    assert it.told() == []


def test_nobody_who_may_be_held_liable_is_nobody_to_refer(world: World) -> None:
    it = Referring(world, grace(may_be_held_liable=False))
    with refused("nobody_to_refer"):
        it.opened()
    assert world.rows(it.family, Referral) == []
    it.world.change(it.family, update(GuardianLink).values(may_be_held_liable=None))
    (row,) = it.opened()
    assert "nobody has said" in it.missing(row)["LIABILITY"]


def test_it_is_sent_when_everything_is_there_and_then_acknowledged_and_answered(world: World) -> None:
    it = Referring(world)
    first, second = it.opened()
    assert set(it.missing(first)) == {Blocker.HISTORY, Blocker.PACK}
    draft = it.pack(first, release=False)
    with pytest.raises(Conflict) as caught:
        it.send(first, draft)
    assert caught.value.code == "referral_not_ready"
    told: Any = caught.value.extra["blockers"]
    assert [one["code"] for one in told] == ["HISTORY", "PACK"]
    it.histories()
    pack = it.pack(first)
    assert it.missing(first, pack) == {}
    assert set(it.missing(second, pack)) == {"PACK"}, "another guardian's papers"
    for day in (TODAY + timedelta(days=1), TODAY - timedelta(days=1)):
        with refused("referral_day"):
            it.send(first, pack, day)
    row = it.send(first, pack)
    assert (row.status, row.pack_id, row.sent_by) == ("SENT", pack, it.leader.person_id)
    with refused("referral_state"):
        it.send(first, pack)
    with refused("referral_state"):
        it.inside(lambda s: referrals.acknowledge(s, it.officer, second.id, (TODAY, None), now=NOW))
    row = it.inside(lambda s: referrals.acknowledge(s, it.officer, first.id, (TODAY, "AS-17"), now=NOW))
    assert (row.status, row.reference) == ("ACKNOWLEDGED", "AS-17")
    answer = RecordAnswer(first.id, ReferralResult.SUPPORT, TODAY, "A mentor.")
    row = it.inside(lambda s: referrals.answer(s, it.officer, answer, now=NOW))
    assert (row.status, row.result, row.result_note, row.revision) == ("DECIDED", "SUPPORT", "A mentor.", 3)
    assert it.tasks() == [("prepare_referral", str(second.id))]
    mine = str(first.id)
    assert it.told() == [(mine, "SENT"), (mine, "ACKNOWLEDGED"), (mine, "RESULT")]
    assert it.verbs() == ["open_referral"] * 2 + ["send_referral", "acknowledge_referral", "answer_referral"]


def test_the_proposal_tells_what_is_missing_before_it_is_approved(world: World) -> None:
    it = Referring(world, grace(**LIABLE), henry())
    law = Stage(key="referral", type=StageType.REFERRAL, title="Referral", recipient="The attendance service")

    def proposed(stage: Stage) -> dict[str, str]:
        wanted = NewProposal(ProposalId(uuid4()), ProposalKind.STEP, stage, Approval.LEADER, RESTS_ON, "")
        it.inside(lambda s: open_proposal(s, it.family.case(), wanted))
        (row,) = world.rows(it.family, Proposal, Proposal.id == wanted.id)
        assert "two people have released the papers" in row.step["does"]
        return {one["code"]: one["says"] for one in row.step["missing"]}

    at = SessionFact.date == ABSENT_DAYS[0]
    world.change(it.family, update(SessionFact).where(at).values(code="N"))
    assert proposed(law) == {
        "UNEXPLAINED": "2 of 6 not yet explained",
        "LIABILITY": "of 1 of 2 guardians nobody has said whether they may be held liable",
        "HISTORY": "the authority's history of 2 of 2 guardians is not confirmed",
    }
    world.change(it.family, update(SessionFact).where(at).values(code="O"))
    world.change(it.family, update(GuardianLink).values(may_be_held_liable=True))
    it.histories()
    assert proposed(law) == {}
    assert proposed(law.model_copy(update={"recipient": None})) == {"RECIPIENT": "nobody has said to whom it goes"}


def test_three_of_ten_not_yet_explained(world: World) -> None:
    it = Referring(world)
    it.histories()
    day = ABSENT_DAYS[0]
    world.change(it.family, update(SessionFact).where(SessionFact.date == day).values(code="N"))
    row = it.opened()[0]
    assert it.missing(row)["UNEXPLAINED"] == "2 of 6 not yet explained"

    async def reason(session: Session) -> None:
        where = {"student_id": it.family.student_id, "school_id": it.family.school_id}
        for half, status in (("AM", "REFUSED"), ("PM", "GIVEN")):
            session.add(AbsenceReason(**where, date=day, session=half, reason="Unwell", status=status))

    it.inside(reason)
    assert it.missing(row)["UNEXPLAINED"] == "1 of 6 not yet explained"
    world.change(it.family, update(AbsenceReason).values(status="REFUSED"))
    assert set(it.missing(row)) == {"PACK"}
    world.change(it.family, update(SessionFact).where(SessionFact.date <= RESTS_ON.on).values(status="PRESENT"))
    assert "cannot be looked up" in it.missing(row)["UNEXPLAINED"]


def test_nothing_is_sent_while_the_case_does_not_wait_for_it_or_contact_is_stopped(world: World) -> None:
    it = Referring(world)
    it.histories()
    first, second = it.opened()
    pack = it.pack(first)
    for phase in ("ON_HOLD", "EXIT_REVIEW", "TRANSFER_PENDING", "CLOSED"):
        it.show(phase, first, second)
        assert "CASE" in it.missing(first, pack)
    it.show("WAITING", second)
    assert "CASE" in it.missing(first, pack), "another rung's, or a step that was taken back"
    it.show("WAITING", first, second)
    world.stop_contact(it.family, "GUARDIAN", second.guardian_id)
    assert it.missing(first, pack) == {}
    assert "CONTACT_STOP" in it.missing(second)
    world.stop_contact(it.family, "STUDENT", it.family.student_id)
    assert set(it.missing(first, pack)) == {"CONTACT_STOP"}


def test_the_papers_are_for_the_very_recipient_and_tell_what_is_so(world: World) -> None:
    it = Referring(world)
    it.histories()
    row = it.opened()[0]
    elsewhere = it.pack(row, "The other service")
    assert "another recipient" in it.missing(row, elsewhere)["PACK"]
    command = (row.id, "The other service", "It is theirs.")
    row = it.inside(lambda s: referrals.readdress(s, it.officer, *command, now=NOW))
    assert it.missing(row, elsewhere) == {}
    pack = update(EvidencePack).where(EvidencePack.id == elsewhere)
    world.change(it.family, pack.values(expires_at=NOW))
    assert "prepare it anew" in it.missing(row, elsewhere)["PACK"]
    world.change(it.family, pack.values(expires_at=NOW + timedelta(days=1)))
    assert it.missing(row, elsewhere) == {}

    async def decided(session: Session) -> None:
        where = {"student_id": it.family.student_id, "school_id": it.family.school_id, "date": ABSENT_DAYS[0]}
        later = {"status": "ACCEPTED", "decided_at": NOW + timedelta(hours=1)}
        session.add(AbsenceReason(**where, session="AM", reason="Unwell", **later))

    it.inside(decided)
    assert "prepare it anew" in it.missing(row, elsewhere)["PACK"]
    world.change(it.family, pack.values(status="RECALLED"))
    assert "recalled" in it.missing(row, elsewhere)["PACK"]


def test_what_is_not_sent_is_left_out_and_what_is_sent_is_asked_back(world: World) -> None:
    it = Referring(world)
    it.histories()
    first, second = it.opened()
    it.send(first, it.pack(first))
    it.inside(lambda s: referrals.end(s, it.leader, second.id, "Lives abroad.", now=NOW))
    it.inside(lambda s: referrals.end(s, it.leader, first.id, "A mistake.", now=NOW))
    with refused("referral_state"):
        it.inside(lambda s: referrals.end(s, it.leader, first.id, "Again.", now=NOW))
    rows = {row.id: (row.status, row.reason) for row in world.rows(it.family, Referral)}
    assert rows == {second.id: ("LEFT_OUT", "Lives abroad."), first.id: ("WITHDRAWN", "A mistake.")}
    assert it.tasks() == [("ask_referral_back", str(first.id))]
    assert [change for _, change in it.told()] == ["SENT", "LEFT_OUT", "WITHDRAWN"]


def test_another_school_that_leads_the_case_has_what_is_with_the_recipient(world: World) -> None:
    it = Referring(world)
    it.histories()
    first, second = it.opened()
    it.send(first, it.pack(first))

    async def another(session: Session) -> UUID:
        school = School(source_id="elm", name="Elm School", code_set="UK", timezone="Europe/Dublin")
        session.add(school)
        await session.flush()
        return school.id

    there = SchoolId(it.inside(another))
    case = it.family.case("w/away")
    it.inside(lambda s: transfers.open_handover(s, case, there))
    chosen = Settle(there, TransferChoice.CONTINUE, None)
    assert it.inside(lambda s: transfers.settle(s, it.family.case("w/settle"), chosen))
    rows = {row.id: (row.status, row.school_id, row.case_id) for row in world.rows(it.family, Referral)}
    (instance,) = world.rows(it.family, Instance)
    assert rows == {
        first.id: ("SENT", there, instance.case_id),
        second.id: ("LEFT_OUT", it.family.school_id, second.case_id),
    }
    (task,) = world.rows(it.family, Task, Task.kind == "await_referral", Task.status == "OPEN")
    assert (task.school_id, task.case_id, task.assignee_id) == (there, instance.case_id, None)


def test_a_closed_case_sends_no_more_and_a_step_taken_back_asks_back(world: World) -> None:
    it = Referring(world)
    it.histories()
    first, _ = it.opened()
    it.send(first, it.pack(first))
    case = it.family.case("w/close")
    assert it.inside(lambda s: referrals.drop(s, case, None, "case_closed")) == 1
    assert {row.status for row in world.rows(it.family, Referral)} == {"SENT", "LEFT_OUT"}
    assert it.tasks() == [("await_referral", str(first.id))]
    assert it.inside(lambda s: referrals.drop(s, case, ("letter-1",), "rescinded")) == 0
    assert it.inside(lambda s: referrals.drop(s, case, ("referral",), "rescinded")) == 1
    assert {row.status for row in world.rows(it.family, Referral)} == {"WITHDRAWN", "LEFT_OUT"}
    assert it.tasks() == [("ask_referral_back", str(first.id))]
