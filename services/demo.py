"""Loads the demo district as any district is loaded, with the people, flags and rules that staff would have entered.

Every step is one transaction or an import that resumes, so that a load killed anywhere is completed by the next one.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from gateways.demo_folder import DemoExtras, ExemptionRow, LinkRow, RuleSetRow, SchoolRow, read_extras
from models.guardians import Guardian
from models.imports import ImportRun
from models.instances import Instance, Proposal
from models.people import Person, RoleAssignment, School, SchoolScope
from models.queries import breakers
from models.rulesets import NightlyRun, RuleSet, RuleSetVersion
from models.session import Sessions
from models.students import CareFlag, Student
from models.tenants import Tenant
from rules.errors import Invalid
from rules.ids import PersonId, TenantId
from rules.rulesets.ruleset import dump_ruleset, load_pack, parse_ruleset, stage_type
from services import attendance_import as importing
from services import audit, demo_personas, exemptions, guardian_links, rulesets, tenants
from services.attendance_import import OpenImport
from services.audit import Act
from services.context import Actor, system
from services.exemptions import PutExemptions, WantedExemption
from services.governed import MoveVersion
from services.guardian_links import PutLink
from services.rulesets import DraftRuleSet, EditDraft
from services.tenants import NewTenant

KEY: Final = "demo"
REASON: Final = "demo district"
SETTINGS: Final = "demo"
ENTERED, LOADED = "entered", "loaded"
PEOPLE: Final = tuple(table for table in importing.ORDER if table != "marks")


@dataclass(frozen=True, slots=True)
class LoadDemo:
    """The folder of a generated district and the tenant's settings (`ladder.undo_seconds`, ...)."""

    folder: Path
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the first evaluation is: a pass is one rule set over one school, a case begins until it proposes."""

    passes_due: int
    passes_done: int
    students: int
    cases_beginning: int
    proposals: int

    @property
    def settled(self) -> bool:
        """Every pass was made and every case that opened has said what it proposes."""
        return self.passes_done >= self.passes_due > 0 and not self.cases_beginning


async def find(sessions: Sessions) -> Tenant | None:
    """The demo's tenant, if it was made."""
    async with sessions.untenanted() as session:
        return (await session.scalars(select(Tenant).where(Tenant.key == KEY))).one_or_none()


def is_loaded(tenant: Tenant) -> bool:
    """Whether an earlier load came to its end; from then on the district belongs to its users."""
    return bool(tenant.settings.get(SETTINGS, {}).get(LOADED))


async def load(
    sessions: Sessions, command: LoadDemo, *, now: datetime, tell: Callable[[str], None] = lambda _: None
) -> TenantId:
    """Make the tenant, import people, enter what staff would, import the register; what is done already is left."""
    extras = read_extras(command.folder)
    wish = NewTenant(KEY, extras.district_name, "GB", "Europe/London", command.settings)
    async with sessions.untenanted() as session:
        tenant, _ = await tenants.establish(session, wish, str(uuid4()), now=now)
    actor = system(TenantId(tenant.id), "cli", str(uuid4()))
    await _take_in(sessions, actor, command.folder, PEOPLE, now=now, tell=tell)
    async with sessions.tenant(actor.tenant_id) as session:
        if await _entered(session, actor):
            tell("staff, flags and rules are there already")
        else:
            await _enter(session, actor, extras, now=now)
            tell(f"{len(extras.staff)} staff, {len(extras.flags)} care flags, rules in force")
    # The marks come last: the end of their import starts the evaluation, which must find rules and exemptions.
    await _take_in(sessions, actor, command.folder, ("marks",), now=now, tell=tell)
    async with sessions.tenant(actor.tenant_id) as session:
        await tenants.change_settings(session, actor, {SETTINGS: {ENTERED: True, LOADED: True}}, REASON, now=now)
    return actor.tenant_id


async def standing(session: AsyncSession) -> Standing:
    """Where the tenant of this session stands."""

    async def count(wanted: Any) -> int:
        return (await session.execute(wanted)).scalar_one() or 0

    held = await breakers.held_schools(session)  # a suspect day waits for a person, not for a pass
    in_force = await count(select(func.count(RuleSetVersion.id)).where(RuleSetVersion.status == "ACTIVE"))
    begun = select(func.count(Instance.id)).where(Instance.closed_at.is_(None), Instance.phase == "EVALUATING")
    passes = select(NightlyRun.school_id, NightlyRun.digest).distinct().subquery()
    return Standing(
        passes_due=in_force * await count(select(func.count(School.id)).where(School.id.not_in(held))),
        passes_done=await count(select(func.count()).select_from(passes)),
        students=await count(select(func.count(Student.id))),
        cases_beginning=await count(begun),
        proposals=await count(select(func.count(Proposal.id)).where(Proposal.status.in_(("PENDING", "HELD")))),
    )


async def _take_in(
    sessions: Sessions,
    actor: Actor,
    folder: Path,
    tables: Sequence[str],
    *,
    now: datetime,
    tell: Callable[[str], None],
) -> None:
    """Import these tables unless that was finished; an import that was interrupted goes on where it stood."""
    fingerprint = _fingerprint(folder, tables)
    async with sessions.tenant(actor.tenant_id) as session:
        known = (await session.scalars(select(ImportRun).where(ImportRun.fingerprint == fingerprint))).all()
    if any(run.status == "FINISHED" for run in known):
        tell(f"{tables[0]} ... {tables[-1]}: imported already")
        return
    begun = next((run.id for run in known if run.status in {"RUNNING", "FAILED"}), None)
    order = OpenImport("district", f"demo {tables[-1]}", fingerprint, begun)
    feed = importing.district_feed(folder, received_at=now, tables=tables)
    report = await importing.import_feed(sessions, actor, order, feed, now=now)
    tell(f"{tables[0]} ... {tables[-1]}: {report.accepted} rows imported, {report.quarantined} set aside")


def _fingerprint(folder: Path, tables: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for table in tables:
        file = folder / f"{table}.csv"
        digest.update(table.encode() + b"\0" + (file.read_bytes() if file.exists() else b""))
    return digest.hexdigest()


async def _entered(session: AsyncSession, actor: Actor) -> bool:
    tenant = await session.get_one(Tenant, actor.tenant_id, with_for_update=True, populate_existing=True)
    return bool(tenant.settings.get(SETTINGS, {}).get(ENTERED))


@dataclass(frozen=True, slots=True)
class _Ids:
    """Source ids -> ids of the import."""

    schools: Mapping[str, UUID]
    students: Mapping[str, UUID]
    guardians: Mapping[str, UUID]


async def _enter(session: AsyncSession, actor: Actor, extras: DemoExtras, *, now: datetime) -> None:
    """Everything that no import brings, in one transaction with the note that it is there."""
    ids = _Ids(
        await _ids(session, School),
        await _ids(session, Student),
        await _ids(session, Guardian),
    )
    admin = await _hire(session, actor, extras, ids, now=now)
    await demo_personas.let_reach(session, actor, extras.reaches, (ids.students, ids.guardians), now=now)
    for school in extras.schools:
        await _reachable(session, actor, school, ids, now=now)
    await _flag(session, actor, extras, ids, now=now)
    for student, rows in _by_student(extras.exemptions).items():
        wanted = [WantedExemption(r.scope, r.kind, r.reason, r.starts, r.ends, r.review_on) for r in rows]
        await exemptions.put(session, actor, PutExemptions(ids.students[student], wanted, REASON), now=now)
    for link in extras.links:
        if link.address_confidential or link.contact_via != "self":
            await _protect(session, actor, link, ids, now=now)
    await _activate(session, (actor, admin), extras.rule_sets, ids, now=now)
    await tenants.change_settings(session, actor, {SETTINGS: {ENTERED: True}}, REASON, now=now)


async def _ids(session: AsyncSession, table: type[School | Student | Guardian]) -> dict[str, UUID]:
    return {row.source_id: row.id for row in await session.execute(select(table.source_id, table.id))}


def _by_student(rows: Sequence[ExemptionRow]) -> Mapping[str, list[ExemptionRow]]:
    found: dict[str, list[ExemptionRow]] = defaultdict(list)
    for row in rows:
        found[row.student_id].append(row)
    return found


async def _hire(session: AsyncSession, actor: Actor, extras: DemoExtras, ids: _Ids, *, now: datetime) -> Actor:
    """Enter everybody who signs in; the district's administrator approves what the demo puts in force."""
    admin: Actor | None = None
    ends = {row.person_id: row.until for row in extras.reaches if row.until}
    for one in extras.staff:
        title = one.role.replace("_", " ").capitalize()
        person = Person(subject=one.person_id, display_name=one.name, title=title)
        session.add(person)
        await session.flush()
        until = ends.get(one.person_id)
        session.add(RoleAssignment(person_id=person.id, role=one.role, all_schools=not one.schools, ends_on=until))
        session.add_all(SchoolScope(person_id=person.id, school_id=ids.schools[school]) for school in one.schools)
        act = Act("add_person", "person", person.id, reason=REASON, after={"role": one.role, "schools": one.schools})
        await audit.record(session, actor, act, now=now)
        if one.role == "district_admin" and admin is None:
            admin = Actor(
                actor.tenant_id, PersonId(person.id), one.role, person.display_name, actor.request_id, actor.source
            )
    if admin is None:
        raise Invalid("demo_folder", "staff.csv names no district_admin: somebody must approve the demo's rules.")
    return admin


async def _reachable(session: AsyncSession, actor: Actor, row: SchoolRow, ids: _Ids, *, now: datetime) -> None:
    school = await session.get_one(School, ids.schools[row.school_id])
    told = {"phone": row.phone, "address": row.address}
    school.settings = {**school.settings, **told}
    await audit.record(
        session, actor, Act("set_school_contact", "school", school.id, reason=REASON, after=told), now=now
    )


async def _flag(session: AsyncSession, actor: Actor, extras: DemoExtras, ids: _Ids, *, now: datetime) -> None:
    for row in extras.flags:
        student_id = ids.students[row.student_id]
        flag = CareFlag(student_id=student_id, kind=row.kind, starts_on=row.starts, ends_on=row.ends)
        session.add(flag)
        await session.flush()
        act = Act("set_care_flag", "care_flag", flag.id, student_id, REASON, after={"kind": row.kind})
        await audit.record(session, actor, act, now=now)


async def _protect(session: AsyncSession, actor: Actor, row: LinkRow, ids: _Ids, *, now: datetime) -> None:
    student_id, guardian_id = ids.students[row.student_id], ids.guardians[row.guardian_id]
    present = await guardian_links.view(session, student_id, guardian_id, on=now.date())
    extra = {"address_confidential": row.address_confidential, "contact_via": row.contact_via}
    wanted = {**guardian_links.values(present.link), **extra}
    await guardian_links.put(session, actor, PutLink(student_id, guardian_id, wanted, REASON), now=now)


async def _activate(
    session: AsyncSession, who: tuple[Actor, Actor], rows: Sequence[RuleSetRow], ids: _Ids, *, now: datetime
) -> None:
    """Put each rule set in force for its schools: written by the system, approved by the district's administrator."""
    author, approver = who
    for key in dict.fromkeys(row.rule_set for row in rows):
        mine = [row for row in rows if row.rule_set == key]
        document = _document(mine[0], sorted(str(ids.schools[row.school_id]) for row in mine))
        drafted = await _draft_of(session, key)
        if drafted is None:
            version = await rulesets.draft(session, author, DraftRuleSet(document, REASON), now=now)
        else:
            version = await rulesets.edit(session, author, EditDraft(drafted, document, REASON), now=now)
        step = MoveVersion(version.row.id, REASON)
        await rulesets.submit(session, author, step, now=now)
        await rulesets.approve(session, approver, step, now=now)
        await rulesets.activate(session, approver, step, now=now)


async def _draft_of(session: AsyncSession, key: str) -> UUID | None:
    """The draft that every tenant starts with."""
    wanted = select(RuleSetVersion.id).join(RuleSet, RuleSet.id == RuleSetVersion.rule_set_id)
    found = await session.scalars(wanted.where(RuleSet.key == key, RuleSetVersion.status == "DRAFT"))
    return found.first()


def _document(row: RuleSetRow, schools: Sequence[str]) -> dict[str, Any]:
    """The shipped rule set, or a copy without one type of stage and without the attached tests that name its stages."""
    pack = load_pack(row.copy_of or row.rule_set)
    document = {**dump_ruleset(pack), "key": row.rule_set, "scope": {"schools": list(schools)}}
    left_out = {stage.key for stage in pack.stages if stage_type(pack, stage) == row.without_stage_type}
    if left_out:
        document["title"] = f"{pack.title}, without {row.without_stage_type.lower()}"
        document["stages"] = [stage for stage in document["stages"] if stage["key"] not in left_out]
        named = {f"stage:{key}" for key in left_out}
        document["tests"] = [
            test.model_dump(mode="json", by_alias=True, exclude_defaults=True)
            for test in pack.tests
            if not {test.at_stage, test.expect.stage} & left_out and not named & set(test.expect.fired or ())
        ]
    return dump_ruleset(parse_ruleset(document))
