"""One thing of every kind about Ann at Oak School, and people who stand to her in every way the policy knows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import update

from models.access import ClassScope, GuardianAccount, Kinship, StudentScope
from models.attendance import CodeMap
from models.delivery import Breaker, Message
from models.erasures import Erasure
from models.evidence_packs import EvidencePack
from models.guardians import ContactStop, Guardian, GuardianLink
from models.imports import ImportRun, QuarantineRow
from models.instances import CaseFile, Event, Instance, Proposal, Task
from models.letters import LetterArtifact
from models.meetings import Meeting
from models.people import Person, RoleAssignment, SchoolClass, SchoolScope
from models.pointers import Pointer
from models.privacy import AmendmentRequest, Incident
from models.retention import RetentionRun
from models.rulesets import DecisionRow, Evaluation, LateTrip, RuleSet, RuleSetVersion, ShadowDifference, ShadowNight
from models.session import Session
from models.students import Student
from models.transfers import Transfer
from models.webhooks import Webhook
from models.year_ends import YearEnd
from rules.access.permissions import GRANTS, NAMED_STUDENTS_ONLY, Permission, Role
from rules.access.sessions import fingerprint
from rules.ids import TenantId
from rules.rulesets.ruleset import digest, dump_ruleset, load_pack
from services import audit
from services.audit import Act
from services.context import system
from tests.api.backtested import replayed
from tests.api.district import NOW, TODAY, District, Tenancy
from tests.api.owed import DUTIES, owed
from tests.api.rungs import planned, referred, shaken
from tests.api.test_templates import wording

UNBOUND = frozenset({Role.DISTRICT_ADMIN, Role.AUDITOR, Role.DPO, Role.INTEGRATION})
CANARY = "Canaryann"
REASON = {"reason": "For the walk over every route."}
FILE: dict[str, Any] = {"sha256": "0" * 64, "stored_sha256": "0" * 64, "size_bytes": 1, "pages": 1, "engine": "test"}


@dataclass(frozen=True)
class Furnished:
    """A tenancy and the ids of its things by the names that routes and bodies use."""

    tenancy: Tenancy
    things: dict[str, UUID] = field(default_factory=dict)

    def id(self, name: str) -> str:
        return str(self.things[name])


async def furnish(district: District, tenancy: Tenancy) -> Furnished:
    """Put one of everything about Ann into the tenancy."""
    made = Furnished(tenancy)
    async with district.sessions.tenant(tenancy.id) as session:
        made.things.update(
            tenant_id=tenancy.id,
            student_id=tenancy.students["ann"],
            school_id=tenancy.schools["oak"],
            guardian_id=tenancy.guardians["ann"],
            given_by=tenancy.guardians["ann"],
            assignee_id=tenancy.people["attendance_officer-2"],
            staff_id=tenancy.people["attendance_officer-2"],
            person_id=tenancy.people["teacher-2"],
        )
        await session.execute(
            update(Student)
            .where(Student.id == tenancy.students["ann"])
            .values(last_name=CANARY, dob=date(2008, 11, 20), year_group="7")
        )
        await _classes(session, tenancy)
        await _close_to_ann(session, tenancy)
        await _walk(session, made)
        await _papers(session, made)
        await _register(session, made)
        made.things.update(await replayed(session, made.things))
        made.things["retention_run_id"] = await _list_made(session, tenancy)
        actor = system(TenantId(tenancy.id), "cli", "furnished")
        act = Act("note", "student", tenancy.students["ann"], tenancy.students["ann"], CANARY)
        made.things["audit_id"] = await audit.record(session, actor, act, now=NOW)
    return made


async def _list_made(session: Session, tenancy: Tenancy) -> UUID:
    """A list of what has been kept long enough, with Ann on it."""
    line = {"class": "STUDENT_RECORD", "action": "ERASE", "students": [str(tenancy.students["ann"])], "count": 1}
    run = RetentionRun(
        today=TODAY, known_at=NOW, lines=[line], sha256="0" * 64, signature="x", listed_by=tenancy.people["dpo"]
    )
    session.add(run)
    await session.flush()
    return run.id


async def _classes(session: Session, tenancy: Tenancy) -> None:
    for name, where in (("ann", "oak"), ("cat", "elm")):
        taught = SchoolClass(source_id=f"class-{name}", school_id=tenancy.schools[where], name=f"Class of {name}")
        session.add(taught)
        await session.flush()
        await session.execute(update(Student).where(Student.id == tenancy.students[name]).values(class_id=taught.id))
        for role in ("teacher", "facilitator"):
            person = tenancy.people[role if where == "oak" else f"{role}-elm"]
            session.add(ClassScope(person_id=person, class_id=taught.id))


async def _close_to_ann(session: Session, tenancy: Tenancy) -> None:
    """`-kin`: staff of her school who are related to her; external, student and guardian with their own reach."""
    ann, cat = tenancy.students["ann"], tenancy.students["cat"]
    for role in Role:
        if role in NAMED_STUDENTS_ONLY:
            continue
        person = await _hired(session, tenancy, f"{role}-kin", role)
        session.add(Kinship(person_id=person.id, student_id=ann, relation="RELATIVE"))
        if role in {Role.TEACHER, Role.FACILITATOR}:
            session.add(StudentScope(person_id=person.id, student_id=ann, kind="GROUP"))
    for where, child in (("", ann), ("-elm", cat)):
        ends = TODAY + timedelta(days=30)
        session.add(
            StudentScope(person_id=tenancy.people[f"external{where}"], student_id=child, kind="CASE", ends_on=ends)
        )
        session.add(StudentScope(person_id=tenancy.people[f"student{where}"], student_id=child, kind="SELF"))
    for where, name in (("", "ann"), ("-elm", "cat")):
        guardian_id = tenancy.guardians[name]
        await _open_portal(session, guardian_id)
        session.add(GuardianAccount(person_id=tenancy.people[f"guardian{where}"], guardian_id=guardian_id))
    await _restricted(session, tenancy)


async def _hired(session: Session, tenancy: Tenancy, name: str, role: Role) -> Person:
    person = Person(subject=name, display_name=name.title())
    session.add(person)
    await session.flush()
    tenancy.people[name] = person.id
    session.add(RoleAssignment(person_id=person.id, role=role.value, all_schools=role in UNBOUND))
    session.add(SchoolScope(person_id=person.id, school_id=tenancy.schools["oak"]))
    return person


async def _open_portal(session: Session, guardian_id: UUID) -> None:
    await session.execute(
        update(GuardianLink).where(GuardianLink.guardian_id == guardian_id).values(may_use_portal=True)
    )


async def _restricted(session: Session, tenancy: Tenancy) -> None:
    """Ann's father, whom an order keeps away: he has an account and a link, and reaches nothing."""
    father = Guardian(source_id="g-restricted", name="Henry Canarytwo", email="henry@example.org")
    session.add(father)
    await session.flush()
    tenancy.guardians["restricted"] = father.id
    session.add(
        GuardianLink(
            student_id=tenancy.students["ann"],
            guardian_id=father.id,
            relationship="FATHER",
            may_use_portal=True,
            order_kind="no contact",
            order_from=date(2026, 1, 1),
        )
    )
    person = await _hired(session, tenancy, "guardian-restricted", Role.GUARDIAN)
    session.add(GuardianAccount(person_id=person.id, guardian_id=father.id))


async def _walk(session: Session, made: Furnished) -> None:
    things, pack = made.things, load_pack("general")
    author = made.tenancy.people["district_admin-2"]
    rule_set = RuleSet(key="walked", title="Walked")
    session.add(rule_set)
    await session.flush()
    states = ("ACTIVE", "DRAFT", "DRAFT", "IN_REVIEW", "APPROVED")
    names = ("active_version_id", "draft_version_id", "draft_2_version_id", "review_version_id", "approved_version_id")
    for number, (name, status) in enumerate(zip(names, states, strict=True), 1):
        content = dump_ruleset(pack) | {"key": "walked", "duties": DUTIES}
        version = RuleSetVersion(
            rule_set_id=rule_set.id, version=number, digest=digest(pack), content=content, status=status
        )
        version.author_id = author
        session.add(version)
        await session.flush()
        things[name] = version.id
    case = CaseFile(student_id=things["student_id"], school_id=things["school_id"])
    session.add(case)
    await session.flush()
    things["case_id"] = case.id
    for name, closed in (("instance_id", None), ("closed_instance_id", NOW)):
        instance = Instance(
            school_year="2026-27",
            student_id=things["student_id"],
            lead_school_id=things["school_id"],
            case_id=case.id,
            rule_set_key="walked",
            rule_set_version_id=things["active_version_id"],
            digest=digest(pack),
            status="STOPPED" if closed else "ACTIVE",
            phase="CLOSED" if closed else "AWAITING_APPROVAL",
            started_at=NOW,
            closed_at=closed,
        )
        session.add(instance)
        await session.flush()
        things[name] = instance.id
    proposal = Proposal(
        instance_id=things["instance_id"],
        stage_index=0,
        stage_key="contact",
        stage_type="CONTACT",
        approval="STAFF",
        proposed_at=NOW,
        due_on=TODAY,
    )
    session.add(proposal)
    session.add(
        Event(
            instance_id=things["instance_id"],
            case_id=case.id,
            student_id=things["student_id"],
            school_id=things["school_id"],
            type="STARTED",
            occurred_at=NOW,
            reason=CANARY,
        )
    )
    # to her own school: only people of the two schools of a handover read it
    school: dict[str, Any] = {"from_school_id": things["school_id"], "to_school_id": things["school_id"]}
    until: dict[str, Any] = {name: things[name] for name in ("instance_id", "student_id")}
    until |= {"opened_at": NOW, "decide_by": TODAY}
    session.add_all([Transfer(**until, **school), YearEnd(**until, begins=date(2027, 8, 1))])
    decided = _decision(things, digest(pack))
    for one in decided:
        session.add(one)
        await session.flush()
    things["proposal_id"], things["decision_id"] = proposal.id, decided[1].id


def _decision(things: dict[str, UUID], digest_: str) -> tuple[Evaluation, DecisionRow]:
    """What the pending step rests on; its figures are unknown, so it is a case that waits."""
    evaluated, decided = uuid4(), uuid4()
    where: dict[str, Any] = {
        "student_id": things["student_id"],
        "school_id": things["school_id"],
        "instance_id": things["instance_id"],
        "digest": digest_,
        "date": TODAY,
        "known_at": NOW,
        "metrics": {},
        "facts": {},
    }
    row = DecisionRow(
        **where,
        id=decided,
        evaluation_id=evaluated,
        position={"stage": None, "wait_elapsed": True, "previous_reached": True, "muted": []},
        spans={},
        action="WAIT",
        fired=[],
        held_back=["condition"],
        leaves_true="",
        leaves_known="",
        engines_agree=True,
        sentence="",
        leaves=[],
    )
    return Evaluation(**where, id=evaluated), row


async def _papers(session: Session, made: Furnished) -> None:
    things = made.things
    own: dict[str, Any] = {"student_id": things["student_id"], "school_id": things["school_id"]}
    tried = {"version_id": things["approved_version_id"], "school_id": own["school_id"], "date": TODAY}
    rows: dict[str, Any] = {
        "task_id": Task(kind="CALL_BACK", title=f"Ring {CANARY}", **own),
        "other_task_id": Task(kind="CALL_BACK", title=f"Visit {CANARY}", **own),
        "meeting_id": Meeting(**own, status="PROPOSED", notes=CANARY),
        "artifact_id": LetterArtifact(
            **own,
            language="en",
            storage_path=f"letters/{things['student_id']}",
            **FILE,
            generated_at=NOW,
        ),
        "letter_id": LetterArtifact(
            **own,
            guardian_id=things["guardian_id"],
            language="en",
            storage_path=f"letters/own/{things['student_id']}",
            **FILE,
            generated_at=NOW,
        ),
        "link_id": Pointer(
            **own,
            guardian_id=things["guardian_id"],
            kind="LETTER",
            thing_id=things["student_id"],
            token_hash=fingerprint(str(things["student_id"])),
            made_at=NOW,
            expires_at=NOW + timedelta(days=7),
        ),
        "trip_id": LateTrip(**own, rule_set_key="walked", digest="0" * 64, date=TODAY),
        "difference_id": ShadowDifference(**tried, student_id=own["student_id"], change="ADDED", metrics={}),
        "night_id": ShadowNight(**tried, known_at=NOW, in_force=1, candidate=2, added=1, dropped=0),
    }
    rows |= _privacy(things, own) | owed(things, own, CANARY) | planned(things, own, CANARY) | shaken(things, own)
    for name in ("stop_id", "other_stop_id"):
        stop = ContactStop(subject_kind="STUDENT", subject_id=things["student_id"], reason_code="OTHER", set_at=NOW)
        rows[name] = stop
    await _added(session, things, rows)
    await _added(session, things, referred(things, own, CANARY))


def _privacy(things: dict[str, UUID], own: dict[str, Any]) -> dict[str, Any]:
    return {
        "pack_id": EvidencePack(
            **own,
            case_id=things["case_id"],
            kind="AUTHORITY_REFERRAL",
            guardian_id=things["guardian_id"],
            storage_path=f"packs/{things['student_id']}",
            **FILE,
            prepared_at=NOW,
        ),
        "erasure_id": Erasure(
            student_id=things["student_id"],
            ground="ERROR",
            requested_by=things["person_id"],
            requested_at=NOW,
        ),
        "message_id": Message(
            dedupe_key="walk", kind="LETTER", student_id=things["student_id"], guardian_id=things["guardian_id"]
        ),
        "request_id": AmendmentRequest(
            **own, subject_kind="OTHER", wrong=CANARY, regime="GDPR", requested_at=NOW, due_on=TODAY
        ),
        "incident_id": Incident(**own, kind="LOST", happened=CANARY, noticed_at=NOW, clock_ends_at=NOW),
    }


async def _register(session: Session, made: Furnished) -> None:
    session.add(CodeMap(code_set="UK", code="I", status="AUTHORISED_ABSENT"))
    run = ImportRun(kind="marks", source_name=f"{CANARY}.csv", status="FINISHED")
    session.add(run)
    await session.flush()
    made.things["import_id"] = run.id
    row = QuarantineRow(import_id=run.id, kind="marks", line=2, problem="UNKNOWN_STUDENT", row={"name": CANARY})
    hooks = {
        f"webhook{n}_id": Webhook(url=f"https://hooks.example.org/{n}", note=CANARY, secret=b"x", secret_key_id="test")
        for n in ("", "_2")
    }
    held = {"kind": "BATCH", "school_id": made.things["school_id"], "date": TODAY, "stage_key": "letter-9"}
    breaker = Breaker(**held, facts={"limit": "20", "cause": "NOTHING"})
    await _added(session, made.things, {"row_id": row, "breaker_id": breaker, **hooks})


async def _added(session: Session, things: dict[str, UUID], rows: dict[str, Any]) -> None:
    for name, row in rows.items():
        session.add(row)
        await session.flush()
        things[name] = row.id


def templates(district: District, made: Furnished) -> None:
    """Letter templates of Oak School in every state, drafted by the second leader and moved by the API itself."""
    text = wording()

    def drafted(key: str, *steps: str) -> UUID:
        body = {"key": key, "purpose": "supportive", "text": text, **REASON}
        whole = {**body, "lock_scope": "SCHOOL_OVERRIDE_ALLOWED"}
        assert district.post("/letters/templates", json=whole, tenancy=made.tenancy).status_code == 201
        own = {**body, "school_id": made.id("school_id")}
        answer = district.post("/letters/templates", "school_leader-2", json=own, tenancy=made.tenancy)
        assert answer.status_code == 201, answer.text
        version_id: str = answer.json()["version"]["id"]
        for step in steps:
            person = "school_leader-2" if step == "submit" else "school_leader"
            moved = district.post(f"/letters/templates/{version_id}/{step}", person, json=REASON, tenancy=made.tenancy)
            assert moved.status_code == 200, moved.text
        return UUID(version_id)

    made.things.update(
        draft_template_id=drafted("WALK_A"),
        draft_2_template_id=drafted("WALK_B"),
        review_template_id=drafted("WALK_C", "submit"),
        approved_template_id=drafted("WALK_D", "submit", "approve"),
    )


def holders(permission: Permission, within: Callable[[Role], bool] = lambda _: True) -> list[Role]:
    """The roles that hold a permission, office staff first: they are the ordinary callers."""
    order = [Role.ATTENDANCE_OFFICER, Role.SCHOOL_LEADER, Role.DISTRICT_ADMIN, *Role]
    return [role for role in dict.fromkeys(order) if role in GRANTS[permission] and within(role)]
