"""A guardian at their link: a code to a channel on file, that one thing, twenty minutes without a click (section 4).

Whatever does not open gives one answer, so that nobody learns from it whether a link, a child or a guardian exists.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from gateways.ports import MailDeferred, MailOutcome, OutgoingMail
from models.guardians import Guardian, GuardianLink
from models.people import School
from models.pointers import Pointer, PointerVisit
from models.session import Sessions
from rules.access.pointers import CODE_DIGITS, CODES, CODES_WITHIN, TRIES, PointerEnd, PointerKind, PointerState, Visit
from rules.access.sessions import fingerprint
from rules.delivery.mail_text import code_mail, message_id
from rules.errors import Conflict, DomainError, NotFound, Unavailable
from rules.ids import TenantId
from rules.privacy.disclosures import DisclosurePurpose, Party
from services import artifacts, audit, disclosures, evidence_packs, mailing, pointers, tenants
from services.audit import Act
from services.context import Actor
from services.disclosures import Disclose
from services.entitlement import sending_on
from services.means import Means
from services.pointers import Thing

DISPLAY: Final = "A guardian by link"
EMAIL: Final = "EMAIL"
DISCLOSED_AS: Final = {PointerKind.LETTER: "letter", PointerKind.FAMILY_COPY: "evidence_pack"}


@dataclass(frozen=True, slots=True)
class Knock:
    """A request at a link: its token, the browser's value if it has one, and how the request is known."""

    token: str
    request_id: str
    now: datetime
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """What the page before the code may show: channels by their label only, and the school's number."""

    phone: str
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a code: the browser's value if it was right, else how many more tries there are."""

    door: Door
    value: str | None = None
    left: int = 0


def _closed() -> NotFound:
    return NotFound("link_closed", "This link opens nothing, or no longer does.")


def _actor(tenant_id: UUID, request_id: str) -> Actor:
    return Actor(TenantId(tenant_id), None, "guardian", DISPLAY, request_id, "api")


async def _tenant(sessions: Sessions, token: str) -> UUID:
    tenant_id = pointers.tenant_of(token)
    if tenant_id is None or await tenants.is_suspended(sessions, tenant_id):
        raise _closed()
    return tenant_id


async def _opening(session: AsyncSession, knock: Knock, *, lock: bool = False) -> Pointer:
    """The pointer of a token, if it opens now: looked at again at every request, in the second it is asked for."""
    wanted = select(Pointer).where(Pointer.token_hash == fingerprint(knock.token))
    row = (await session.scalars(wanted.with_for_update() if lock else wanted)).one_or_none()
    if row is None or pointers.state_of(row, knock.now) is not PointerState.OPEN:
        raise _closed()
    try:
        about = await pointers.thing(session, row.guardian_id, PointerKind(row.kind), row.thing_id, knock.now)
        await pointers.refuse_unless_entitled(session, row.guardian_id, about, knock.now)
    except (NotFound, Conflict):
        raise _closed() from None
    return row


async def _door(session: AsyncSession, row: Pointer) -> Door:
    school = await session.get_one(School, row.school_id)
    phone = str(school.settings.get("phone", ""))
    return Door(phone, (EMAIL,) if await _address(session, row) else ())


async def _address(session: AsyncSession, row: Pointer) -> str | None:
    """The guardian's own address, if a code may go there: not another's too, not declined, not one that bounced."""
    guardian = await session.get_one(Guardian, row.guardian_id, populate_existing=True)
    declined = {name.upper() for name in guardian.opted_out_channels}
    if not guardian.email or guardian.unreachable or EMAIL in declined:
        return None
    others = select(Guardian.id).where(
        func.lower(Guardian.email) == guardian.email.lower(), Guardian.id != guardian.id, Guardian.deceased_on.is_(None)
    )
    through = select(GuardianLink.id).where(
        GuardianLink.guardian_id == guardian.id,
        GuardianLink.student_id == row.student_id,
        GuardianLink.contact_via != "self",
    )
    shared = (await session.scalars(others.limit(1))).first() or (await session.scalars(through.limit(1))).first()
    return None if shared or await mailing.address_bounced(session, guardian.id) else guardian.email


async def arrive(sessions: Sessions, knock: Knock) -> Door:
    """What the first page offers; nothing is sent, because mail programs follow links by themselves."""
    async with sessions.tenant(await _tenant(sessions, knock.token)) as session:
        return await _door(session, await _opening(session, knock))


async def send_code(means: Means, knock: Knock, channel: str) -> Door:
    """Send a code to the channel chosen by its label; the last one sent is the one that counts."""
    tenant_id = await _tenant(means.sessions, knock.token)
    async with means.sessions.tenant(tenant_id) as session:
        row = await _opening(session, knock, lock=True)
        door = await _door(session, row)
        address = await _address(session, row)
        if channel not in door.channels or address is None:
            raise Conflict("no_channel", "No code can be sent there. Please ring the school.")
        if not await sending_on(session, row.school_id, channel):
            raise Unavailable(mailing.PAUSED, "No code can be sent at the moment. Please ring the school.")
        await _refuse_floods(session, row, knock.now)
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
        visit = PointerVisit(
            pointer_id=row.id, channel=channel, code_hash=_code_hash(knock.token, code), sent_at=knock.now
        )
        session.add(visit)
        await session.flush()
        act = Act("send_pointer_code", "pointer", row.id, row.student_id, after={"channel": channel})
        await audit.record(session, _actor(tenant_id, knock.request_id), act, now=knock.now)
        school = await session.get_one(School, row.school_id)
        mail = _mail(means, visit, school.name, (address, code, door.phone))
    await _post(means, mail)
    return door


async def _refuse_floods(session: AsyncSession, row: Pointer, now: datetime) -> None:
    lately = select(func.count()).where(PointerVisit.pointer_id == row.id, PointerVisit.sent_at > now - CODES_WITHIN)
    if (await session.scalars(lately)).one() >= CODES:
        raise Conflict("codes_spent", "No more codes are sent for this link today. Please ring the school.")


def _code_hash(token: str, code: str) -> str:
    """A million codes are soon tried against a hash of the code alone; the link's secret is not in the table."""
    return fingerprint(f"{token}:{code}")


def _mail(means: Means, visit: PointerVisit, school_name: str, told: tuple[str, str, str]) -> OutgoingMail:
    address, code, phone = told
    words = code_mail(school_name, code, phone)
    return OutgoingMail(
        message_id=message_id(f"code:{visit.id}", means.sender.domain),
        sender_name=school_name,
        sender_address=means.sender.address,
        recipient=address,
        subject=words.subject,
        text=words.text,
        html=words.html,
        sent_at=visit.sent_at,
        reply_to=means.sender.reply_to,
    )


async def _post(means: Means, mail: OutgoingMail) -> None:
    try:
        receipt = await means.mailer.send(mail)
    except MailDeferred:
        raise Unavailable(
            "mail_deferred", "The code could not be sent just now. Try again, or ring the school."
        ) from None
    if receipt.outcome is not MailOutcome.ACCEPTED:
        raise Conflict("no_channel", "No code can be sent there. Please ring the school.")


async def prove(sessions: Sessions, knock: Knock, code: str) -> Answer:
    """Take a code: right, it opens the thing to this browser; the fifth wrong one ends the link."""
    tenant_id = await _tenant(sessions, knock.token)
    actor = _actor(tenant_id, knock.request_id)
    async with sessions.tenant(tenant_id) as session:
        row = await _opening(session, knock, lock=True)
        door = await _door(session, row)
        newest = select(PointerVisit).where(PointerVisit.pointer_id == row.id)
        visit = (await session.scalars(newest.order_by(PointerVisit.sent_at.desc()).limit(1))).first()
        if visit is None or not _life(visit).takes_code(knock.now):
            return Answer(door, left=TRIES - row.tries)
        if not hmac.compare_digest(visit.code_hash, _code_hash(knock.token, code)):
            row.tries += 1
            if row.tries >= TRIES:
                await pointers.end(session, actor, row, PointerEnd.GUESSED, "five wrong codes", now=knock.now)
            return Answer(door, left=TRIES - row.tries)
        value = secrets.token_urlsafe(32)
        visit.proved_at, visit.seen_at, visit.value_hash = knock.now, knock.now, fingerprint(value)
        row.tries, row.opened_at = 0, row.opened_at or knock.now
        await session.flush()
        await audit.record(session, actor, Act("open_pointer", "pointer", row.id, row.student_id), now=knock.now)
        return Answer(door, value)


def _life(visit: PointerVisit) -> Visit:
    return Visit(visit.sent_at, visit.proved_at, visit.seen_at, visit.left_at)


async def _looking(session: AsyncSession, knock: Knock) -> tuple[Pointer, PointerVisit]:
    """The pointer, and the visit of this browser while it lasts; the visit is kept alive."""
    row = await _opening(session, knock)
    mine = select(PointerVisit).where(
        PointerVisit.pointer_id == row.id, PointerVisit.value_hash == fingerprint(knock.value or "")
    )
    visit = (await session.scalars(mine)).one_or_none()
    if visit is None or not _life(visit).lasts(knock.now):
        raise Conflict("code_needed", "Ask for a new code to go on.")
    visit.seen_at = knock.now
    return row, visit


async def look(sessions: Sessions, knock: Knock) -> PointerKind:
    """What this browser may look at; Conflict `code_needed` when it must give a code first."""
    async with sessions.tenant(await _tenant(sessions, knock.token)) as session:
        row, _ = await _looking(session, knock)
        return PointerKind(row.kind)


async def document(means: Means, knock: Knock) -> bytes:
    """The pages of the one thing; the disclosure log has a line before they leave."""
    tenant_id = await _tenant(means.sessions, knock.token)
    actor = _actor(tenant_id, knock.request_id)
    async with means.sessions.tenant(tenant_id) as session:
        row, _ = await _looking(session, knock)
        kind, thing_id, about = PointerKind(row.kind), row.thing_id, Thing(row.student_id, row.school_id)
        told = Disclose(
            about.student_id,
            Party.GUARDIAN,
            DisclosurePurpose.OWN_RECORD,
            DISCLOSED_AS[kind],
            what_id=thing_id,
            guardian_id=row.guardian_id,
        )
        await disclosures.seen(session, actor, told, now=knock.now)
    try:
        if kind is PointerKind.LETTER:
            return await artifacts.content(means, actor, thing_id, now=knock.now, why="opened by link")
        return await evidence_packs.pages(means, actor, thing_id, now=knock.now)
    except DomainError as gone:
        if isinstance(gone, Unavailable):
            raise
        raise _closed() from gone  # erased, recalled or not what was stored: nothing to be told here


async def leave(sessions: Sessions, knock: Knock) -> None:
    """End this browser's visit, whatever became of the link."""
    tenant_id = pointers.tenant_of(knock.token)
    if tenant_id is None or not knock.value:
        return
    async with sessions.tenant(tenant_id) as session:
        mine = select(PointerVisit).where(PointerVisit.value_hash == fingerprint(knock.value))
        visit = (await session.scalars(mine)).one_or_none()
        if visit is not None and visit.left_at is None:
            visit.left_at = knock.now
            row = await session.get_one(Pointer, visit.pointer_id)
            act = Act("leave_pointer", "pointer", row.id, row.student_id)
            await audit.record(session, _actor(tenant_id, knock.request_id), act, now=knock.now)
