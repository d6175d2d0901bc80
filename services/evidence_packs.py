"""Evidence packs: drawn and sealed once, seen and released by two people, disclosed, recalled."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from hashlib import sha256
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateways.keyring import open_sealed, seal
from gateways.ports import KeyRing, WrongKey
from letters.evidence import render_evidence
from models.evidence_packs import EvidenceLook, EvidencePack
from models.instances import CaseFile
from models.people import Person
from models.privacy import Disclosure
from models.queries.keyset import Window, paged
from models.reliability import Effect
from rules.access.permissions import Role
from rules.errors import Conflict, Forbidden, Invalid, NotFound
from rules.privacy.packs import DISCLOSED_TO, HOLDS_FOR, NEVER_FOR_FAMILIES, PackKind, PackPart
from services import (
    amendments,
    artifacts,
    cases,
    disclosures,
    entitlement,
    evidence,
    evidence_register,
    jurisdictions,
    pack_recalls,
    tasks,
)
from services.artifacts import Paper, Verification
from services.audit import Act, record
from services.context import Actor, CaseRef
from services.disclosures import Disclose
from services.effects import once
from services.evidence import Wanted
from services.letter_merge import reference
from services.means import Means
from services.scopes import Scope
from services.student_keys import data_key, key_of
from services.tasks import CreateTask

RECORD_CLASS: Final = "evidence"
OF_THE_SCHOOL: Final = "STAFF"


@dataclass(frozen=True, slots=True)
class PreparePack:
    """For whom, about whose dealings, why, and what the safeguarding lead switches on with which reason."""

    case_id: UUID
    kind: PackKind
    guardian_id: UUID
    recipient: str
    interest: str
    switched_on: Mapping[PackPart, str] = field(default_factory=dict)
    asked_on: date | None = None


@dataclass(frozen=True, slots=True)
class PackQuery:
    """Which packs: within the caller's reach, perhaps of one case or student, perhaps only those to ask back."""

    scope: Scope
    case_id: UUID | None = None
    student_id: UUID | None = None
    guardian_id: UUID | None = None
    to_recall: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """What people wrote about a pack; empty after an erasure."""

    recipient: str = ""
    interest: str = ""
    switched_on: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Received:
    """Somebody who has a pack, or had it on the screen; `party` as in the disclosure log, or staff of the school."""

    at: datetime
    party: str
    recipient: str = ""
    interest: str = ""
    guardian_id: UUID | None = None
    released_by: UUID | None = None
    person_id: UUID | None = None


async def prepare(means: Means, actor: Actor, command: PreparePack, *, now: datetime) -> EvidencePack:
    """Gather, leave out, draw, seal and store; nothing goes out before two people have seen it."""
    row, words = await _drawn(means, actor, command, uuid4(), now)
    async with means.sessions.tenant(actor.tenant_id) as session:
        return await _entered(session, actor, row, words, now)


async def draft(means: Means, case: CaseRef, command: PreparePack) -> None:
    """What a case prepares by itself, once per key and guardian: people look at it and release it like any other."""
    key = f"{case.key}/pack/{command.guardian_id}"
    async with means.sessions.tenant(case.tenant_id) as session:
        if await session.get(Effect, (case.tenant_id, key)) is not None:
            return
    row, words = await _drawn(means, case.actor, command, artifacts.artifact_id_for(key), case.now, again=True)
    async with means.sessions.tenant(case.tenant_id) as session:
        if await once(session, key, "draft_evidence_pack"):
            await _entered(session, case.actor, row, words, case.now)


async def _drawn(
    means: Means, actor: Actor, command: PreparePack, reference_id: UUID, now: datetime, *, again: bool = False
) -> tuple[EvidencePack, dict[str, Any]]:
    """The pack, drawn and stored; `again`: it may be drawn anew with other words, which then is another object."""
    async with means.sessions.tenant(actor.tenant_id) as session:
        case = await cases.get(session, command.case_id)
        await _permitted(session, actor, case, command, now)
        wanted = Wanted(
            case_id=case.id,
            kind=command.kind,
            guardian_id=command.guardian_id,
            recipient=command.recipient,
            parts=frozenset(command.switched_on),
            reference=reference(str(reference_id), case.student_id),
        )
        # read before what is drawn: a change between the two is then seen as one
        register = await evidence_register.held(session, case.student_id, health=PackPart.HEALTH in wanted.parts)
        said = await evidence.gathered(session, wanted, now=now)
        key = await data_key(session, means.keyring, actor.tenant_id, case.student_id, RECORD_CLASS)
    drawn = await means.threads.run(lambda: render_evidence(said))
    pack_id = reference_id
    if again:
        pack_id = artifacts.artifact_id_for(f"{reference_id}/{sha256(drawn.content).hexdigest()}")
    paper = Paper(pack_id, now.year, drawn.content, drawn.pages, drawn.engine)
    shelved = await artifacts.shelve(means, actor.tenant_id, key, paper, now=now)
    words = {"recipient": command.recipient, "interest": command.interest, "switched_on": dict(command.switched_on)}
    row = EvidencePack(
        id=pack_id,
        student_id=case.student_id,
        school_id=case.school_id,
        case_id=case.id,
        kind=command.kind.value,
        guardian_id=command.guardian_id,
        status="DRAFT",
        parts=sorted(command.switched_on),
        key_id=key.id,
        words=seal(key.plain, pack_id, json.dumps(words, ensure_ascii=False).encode()),
        storage_path=shelved.path,
        sha256=shelved.sha256,
        stored_sha256=shelved.stored_sha256,
        size_bytes=shelved.size_bytes,
        pages=shelved.pages,
        engine=shelved.engine,
        prepared_by=actor.person_id,
        prepared_at=now,
        register_until=register.until,
        register_digest=register.digest,
        asked_on=command.asked_on,
    )
    return row, words


async def _permitted(session: AsyncSession, actor: Actor, case: CaseFile, command: PreparePack, now: datetime) -> None:
    if command.switched_on and actor.role != Role.SAFEGUARDING_LEAD:
        raise Forbidden("safeguarding_lead_only", "Only the safeguarding lead puts in what is left out of packs.")
    await amendments.must_be_linked(session, case.student_id, command.guardian_id)
    if command.kind is PackKind.FAMILY_COPY:
        refused = sorted(NEVER_FOR_FAMILIES & frozenset(command.switched_on))
        if refused:
            told = {"body.switched_on": f"not in a family's copy: {', '.join(refused)}"}
            raise Invalid("never_for_families", "One guardian never learns of another.", fields=told)
        await _entitled(session, case.student_id, command.guardian_id, now)
    elif command.asked_on is not None:
        told = {"body.asked_on": "only for a family's copy"}
        raise Invalid("no_clock", "The clock of inspection runs for families.", fields=told)


async def _entitled(session: AsyncSession, student_id: UUID, guardian_id: UUID, now: datetime) -> None:
    if student_id not in await entitlement.children(session, guardian_id, on=now.date()):
        why = f"Guardian {guardian_id} may not see the record of student {student_id} now: look at their guardian link."
        raise Conflict("not_entitled", why)


async def _entered(
    session: AsyncSession, actor: Actor, row: EvidencePack, words: Mapping[str, Any], now: datetime
) -> EvidencePack:
    if row.asked_on is not None:
        asked_at = datetime.combine(row.asked_on, time(12), UTC)
        row.due_on = (await jurisdictions.inspection_clock(session, row.school_id, asked_at)).due_on
    session.add(row)
    await session.flush()
    after = {"kind": row.kind, "sha256": row.sha256, **words}
    act = Act("prepare_evidence_pack", "evidence_pack", row.id, row.student_id, row.kind, after=after)
    await record(session, actor, act, now=now)
    title = "Look at the pages of an evidence pack, then release it or prepare it anew"
    await _task(session, actor, row, ("RELEASE_PACK", title, row.due_on), now)
    return row


async def _task(
    session: AsyncSession, actor: Actor, row: EvidencePack, wanted: tuple[str, str, date | None], now: datetime
) -> None:
    kind, title, due_on = wanted
    task = CreateTask(
        kind=kind,
        title=title,
        school_id=row.school_id,
        student_id=row.student_id,
        case_id=row.case_id,
        role=Role.SCHOOL_LEADER.value,
        due_on=due_on,
        details={"evidence_pack_id": str(row.id)},
    )
    await tasks.create(session, actor, task, now=now)


async def get(session: AsyncSession, pack_id: UUID, *, lock: bool = False) -> EvidencePack:
    """One pack."""
    found = await session.get(EvidencePack, pack_id, with_for_update=lock)
    if found is None:
        raise NotFound("pack_not_found", f"There is no evidence pack {pack_id} here.")
    return found


def held_out_to(row: EvidencePack, guardian_id: UUID, now: datetime) -> bool:
    """Whether a guardian may fetch it: their own copy, released, neither recalled nor expired."""
    own = row.kind == PackKind.FAMILY_COPY and row.guardian_id == guardian_id
    return own and row.status == "RELEASED" and row.expires_at is not None and now < row.expires_at


async def listed(session: AsyncSession, asked: PackQuery, window: Window) -> Sequence[EvidencePack]:
    """A page of packs, the oldest first."""
    wanted = select(EvidencePack).where(*asked.scope.rows(EvidencePack.school_id, EvidencePack.student_id))
    for column, value in (
        (EvidencePack.case_id, asked.case_id),
        (EvidencePack.student_id, asked.student_id),
        (EvidencePack.guardian_id, asked.guardian_id),
    ):
        if value is not None:
            wanted = wanted.where(column == value)
    if asked.to_recall:
        wanted = wanted.where(EvidencePack.status == "RELEASED", pack_recalls.moved())
    return (await session.scalars(paged(wanted, (EvidencePack.prepared_at, EvidencePack.id), window))).all()


async def pages(means: Means, actor: Actor, pack_id: UUID, *, now: datetime) -> bytes:
    """The pages themselves; whoever was given them before the release is written down as having seen them."""
    async with means.sessions.tenant(actor.tenant_id) as session:
        row = await get(session, pack_id)
        if row.status == "RECALLED":
            raise Conflict("pack_recalled", f"Evidence pack {pack_id} was recalled: do not use it.")
        key = await key_of(session, means.keyring, actor.tenant_id, row.key_id)
        if actor.person_id is not None:
            seen = insert(EvidenceLook).values(pack_id=row.id, person_id=actor.person_id, seen_at=now)
            await session.execute(seen.on_conflict_do_nothing())
        act = Act("read_evidence_pack", "evidence_pack", row.id, row.student_id)
        await record(session, actor, act, now=now)
    plain, problem = await artifacts.opened(means, row, key)
    if problem:
        raise Conflict("pack_changed", f"Evidence pack {pack_id} is not what was stored: {problem}. Do not use it.")
    return plain


async def verification(means: Means, actor: Actor, pack_id: UUID) -> Verification:
    """Whether the stored pages still are what was recorded; nobody counts as having seen them."""
    async with means.sessions.tenant(actor.tenant_id) as session:
        row = await get(session, pack_id)
    return await artifacts.examined(means, actor, row)


async def release(
    session: AsyncSession, keyring: KeyRing, actor: Actor, pack: tuple[UUID, str], *, now: datetime
) -> EvidencePack:
    """The first of two people signs, the second releases: each has seen the very pages whose hash they name."""
    pack_id, named = pack
    row = await get(session, pack_id, lock=True)
    await _ready(session, actor, row, named)
    if row.status == "DRAFT":
        row.status, row.signed_by, row.signed_at = "SIGNED", actor.person_id, now
    else:
        await _out(session, keyring, actor, row, now)
    await session.flush()
    verb = "sign_evidence_pack" if row.status == "SIGNED" else "release_evidence_pack"
    act = Act(verb, "evidence_pack", row.id, row.student_id, after={"status": row.status, "sha256": named})
    await record(session, actor, act, now=now)
    return row


async def _ready(session: AsyncSession, actor: Actor, row: EvidencePack, named: str) -> None:
    if row.status not in {"DRAFT", "SIGNED"}:
        raise Conflict("pack_decided", f"Evidence pack {row.id} is {row.status.lower()} already.")
    if row.status == "SIGNED" and row.signed_by == actor.person_id:
        raise Forbidden("four_eyes", "A second person releases the pack: you have signed it.")
    looked = select(EvidenceLook.id).where(EvidenceLook.pack_id == row.id, EvidenceLook.person_id == actor.person_id)
    if (await session.scalars(looked)).first() is None:
        raise Conflict("pages_not_seen", "Look at the pages first: nobody releases what they have not seen.")
    if row.sha256 != named:
        raise Conflict("other_pages", "The pages you name are not those of this pack: look at them again.")
    # what came in between drawing and entering the pack is seen by nobody else
    if await pack_recalls.register_moved(session, row) or row.id in await pack_recalls.outdated(session, [row]):
        raise Conflict("basis_changed", "The basis changed after the pack was drawn: prepare it anew.")


async def _out(session: AsyncSession, keyring: KeyRing, actor: Actor, row: EvidencePack, now: datetime) -> None:
    kind = PackKind(row.kind)
    if kind is PackKind.FAMILY_COPY and row.guardian_id is not None:
        await _entitled(session, row.student_id, row.guardian_id, now)
    row.status, row.released_by, row.released_at = "RELEASED", actor.person_id, now
    await tasks.settle(session, actor, ("RELEASE_PACK", "evidence_pack_id", row.id), "Released.", now=now)
    row.expires_at = now + HOLDS_FOR
    if kind in DISCLOSED_TO:
        party, purpose = DISCLOSED_TO[kind]
        words = await read_words(session, keyring, actor, row)
        told = Disclose(
            student_id=row.student_id,
            party=party,
            purpose=purpose,
            what="evidence_pack",
            what_id=row.id,
            guardian_id=row.guardian_id if kind is PackKind.FAMILY_COPY else None,
            recipient=words.recipient,
            interest=words.interest,
        )
        row.disclosure_id = await disclosures.give(session, keyring, actor, told, now=now)


async def read_words(session: AsyncSession, keyring: KeyRing, actor: Actor, row: EvidencePack) -> Words:
    """What people wrote about the pack, unsealed."""
    if row.words is None:
        return Words()
    try:
        key = await key_of(session, keyring, actor.tenant_id, row.key_id)
        said = json.loads(open_sealed(key.plain, row.id, row.words))
    except (Conflict, NotFound, WrongKey):
        return Words()
    return Words(said["recipient"], said["interest"], said["switched_on"])


async def received(session: AsyncSession, keyring: KeyRing, actor: Actor, row: EvidencePack) -> Sequence[Received]:
    """Everybody who was given this pack or opened it, in the order of time; staff of one that stays in the school."""
    if PackKind(row.kind) in DISCLOSED_TO:
        mine = select(Disclosure).where(Disclosure.what_id == row.id, Disclosure.student_id == row.student_id)
        lines = (await session.scalars(mine.order_by(Disclosure.at, Disclosure.id))).all()
        told = [await disclosures.read(session, keyring, actor.tenant_id, line) for line in lines]
        return [
            Received(
                one.at, one.party.value, one.recipient, one.interest, one.guardian_id, one.released_by, one.person_id
            )
            for one in told
        ]
    words = await read_words(session, keyring, actor, row)
    given: list[Received] = []
    if row.released_at is not None:
        given = [Received(row.released_at, OF_THE_SCHOOL, words.recipient, words.interest, None, row.released_by)]
    looks = (
        select(EvidenceLook.seen_at, Person.display_name, Person.id)
        .join(Person, Person.id == EvidenceLook.person_id)
        .where(EvidenceLook.pack_id == row.id)
        .order_by(EvidenceLook.seen_at, EvidenceLook.id)
    )
    for seen_at, name, person_id in (await session.execute(looks)).all():
        given.append(Received(seen_at, OF_THE_SCHOOL, name, person_id=person_id))
    return sorted(given, key=lambda one: one.at)


async def recall(session: AsyncSession, actor: Actor, pack_id: UUID, reason: str, *, now: datetime) -> EvidencePack:
    """Nobody fetches it any more, and a person asks the recipient to give it back."""
    row = await get(session, pack_id, lock=True)
    if row.status != "RELEASED":
        raise Conflict("not_released", f"Evidence pack {row.id} is {row.status.lower()}: there is nothing to ask back.")
    row.status, row.recalled_by, row.recalled_at = "RECALLED", actor.person_id, now
    await session.flush()
    act = Act("recall_evidence_pack", "evidence_pack", row.id, row.student_id, reason, after={"status": "RECALLED"})
    await record(session, actor, act, now=now)
    title = "Ask the recipient of a recalled evidence pack to give it back or destroy it"
    await _task(session, actor, row, ("RECALL_PACK", title, now.date()), now)
    return row
