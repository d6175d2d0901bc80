"""Letters of a case: planned for each entitled guardian, drawn and stored once, or written by hand for one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from letters.render import RenderedLetter, render
from models.delivery import Message
from models.instances import Proposal
from models.letters import LetterArtifact, LetterTemplate, LetterTemplateVersion
from rules.errors import DomainError, Forbidden, Invalid, NotFound
from rules.ids import InstanceId, SchoolId, StudentId
from rules.ladder.state import Basis
from rules.letters.blocks import LetterDocument
from rules.letters.checks import lacking
from rules.letters.filling import fill, snapshot
from rules.letters.parsing import parse_template
from rules.letters.templates import TemplatePurpose
from services import artifacts, school_days
from services.artifacts import Paper, artifact_id_for
from services.audit import Act, record
from services.case_tasks import NewTask, open_task
from services.context import Actor, CaseRef
from services.entitlement import BASE_LANGUAGE, Entitled, may_send, recipients
from services.letter_merge import Writing, gather
from services.letter_versions import approved_version
from services.mailing import address_bounced
from services.means import Means
from services.student_keys import DataKey, data_key

LETTER: Final = "LETTER"
SUPERSEDED_OR_GONE: Final = ("SUPERSEDED",)


@dataclass(frozen=True, slots=True)
class Wish:
    """A letter wanted from a template: `kind` is the message's kind, `only` limits it to these guardians."""

    template: str
    stage_key: str | None = None
    kind: str = LETTER
    purpose: str = "letters"
    channels: tuple[str, ...] = ()
    only: frozenset[UUID] | None = None
    elements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """One guardian's letter, its row written and its template version pinned."""

    message_id: UUID
    guardian_id: UUID
    channel: str
    language: str


@dataclass(frozen=True, slots=True)
class Issued:
    """A stored letter."""

    artifact_id: UUID
    sha256: str
    stored_sha256: str
    pages: int


@dataclass(frozen=True, slots=True)
class GenerateLetter:
    """A letter written by hand, stored but not sent; `key` is the command's, `values` fill fields the case cannot."""

    student_id: UUID
    school_id: UUID
    guardian_id: UUID
    template: str
    key: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Draft:
    """Everything needed to draw, read in one transaction; afterwards no transaction is open."""

    document: LetterDocument
    data: Mapping[str, Any]
    key: DataKey
    version: LetterTemplateVersion


async def plan(session: AsyncSession, case: CaseRef, wish: Wish) -> list[Planned]:
    """Choose recipients, channel and language and pin the version; once per effect key. Unknown standing: a task."""
    if done := await _planned(session, case):
        return done
    version = await _version(session, case, wish)
    await _whole(session, version, wish.elements)
    entitled = await recipients(session, case, wish.purpose, wish.channels)
    if wish.only is not None:
        entitled = replace(entitled, allowed=[one for one in entitled.allowed if one.guardian_id in wish.only])
    await _ask_about_unknown(session, case, entitled)
    for one in entitled.allowed:
        bounced = await address_bounced(session, one.guardian_id)
        spoken = _spoken(version, await _purpose(session, version), one.language)
        await _row(
            session,
            case,
            wish,
            {
                "guardian_id": one.guardian_id,
                "channel": "POST" if bounced else one.channel.upper(),
                "data": {"plan": case.key, "version_id": str(version.id), "language": spoken},
            },
        )
        if spoken != one.language:
            await _ask_for_translation(session, case, version, one.language)
    for guardian_id, reason in entitled.withheld.items():
        if reason == "contact_stop" and (wish.only is None or guardian_id in wish.only):
            stopped = {"status": "WITHHELD", "withheld_reason": reason, "data": {"stopped_plan": case.key}}
            await _row(session, case, wish, {"guardian_id": guardian_id, **stopped})
    planned = await _planned(session, case)
    act = Act("plan_letters", "instance", case.instance_id, case.student_id, after={"recipients": len(planned)})
    await record(session, case.actor, act, now=case.now)
    return planned


async def _planned(session: AsyncSession, case: CaseRef) -> list[Planned]:
    mine = select(Message).where(Message.instance_id == case.instance_id, Message.data["plan"].as_string() == case.key)
    rows = (await session.scalars(mine.order_by(Message.id))).all()
    return [Planned(row.id, row.guardian_id, (row.channel or "POST").lower(), row.data["language"]) for row in rows]


async def _row(session: AsyncSession, case: CaseRef, wish: Wish, values: dict[str, Any]) -> None:
    await session.execute(
        insert(Message)
        .values(
            dedupe_key=f"{case.key}/{values['guardian_id']}",
            kind=wish.kind,
            instance_id=case.instance_id,
            student_id=case.student_id,
            stage_key=wish.stage_key,
            **values,
        )
        .on_conflict_do_nothing()
    )


async def _version(session: AsyncSession, case: CaseRef, wish: Wish) -> LetterTemplateVersion:
    """The version that the approved proposal showed; without one the school's newest approved version."""
    shown = select(Proposal.step["template_version_id"].as_string()).where(
        Proposal.instance_id == case.instance_id,
        Proposal.stage_key == wish.stage_key,
        Proposal.status.in_(("APPROVED", "DONE")),
    )
    if wish.stage_key and (pinned := (await session.scalars(shown.order_by(Proposal.id.desc()).limit(1))).first()):
        found = await session.get(LetterTemplateVersion, UUID(pinned))
        if found:
            return found
    version = await approved_version(session, wish.template, case.school_id)
    if version is None:
        raise Invalid(
            "template_not_approved",
            f"Template {wish.template} has no approved version for school {case.school_id}: approve one, then resume.",
        )
    return version


async def _whole(session: AsyncSession, version: LetterTemplateVersion, elements: Sequence[str]) -> None:
    """A notice without what the law asks it to say is not sent, in no language of the version."""
    for language in (BASE_LANGUAGE, *version.translations):
        if lacks := lacking(await _document(session, version, language), elements):
            raise Invalid(
                "notice_elements_missing",
                f"Template version {version.id} ({language}) does not say what a notice must: {', '.join(lacks)}. "
                'Mark each by data-element="NAME" in a new version, have it approved, then resume.',
            )


async def _purpose(session: AsyncSession, version: LetterTemplateVersion) -> str:
    return (await session.scalars(select(LetterTemplate.purpose).where(LetterTemplate.id == version.template_id))).one()


def _spoken(version: LetterTemplateVersion, purpose: str, language: str) -> str:
    """The guardian's language if the version has it; a machine's words are never used for a statutory letter."""
    translated = version.translations.get(language)
    if not translated or (purpose == TemplatePurpose.STATUTORY and not translated.get("human_checked")):
        return BASE_LANGUAGE
    return language


async def _ask_about_unknown(session: AsyncSession, case: CaseRef, entitled: Entitled) -> None:
    for guardian_id, reason in entitled.unknown.items():
        due = await school_days.day_after(session, case, 1)
        task = NewTask(
            "entitlement_unknown",
            "Find out what this guardian may receive; nothing is sent until then",
            due,
            str(guardian_id),
            "attendance_officer",
            {"guardian_id": str(guardian_id), "reason": reason},
        )
        await open_task(session, case, task)


async def _ask_for_translation(
    session: AsyncSession, case: CaseRef, version: LetterTemplateVersion, language: str
) -> None:
    due = await school_days.day_after(session, case, 5)
    subject = f"{version.id}/{language}"
    details = {"template_version_id": str(version.id), "language": language}
    title = "A letter went out in the school's language: have it translated"
    await open_task(session, case, NewTask("translation_missing", title, due, subject, details=details))


async def issue(means: Means, case: CaseRef, message_id: UUID, writing: Writing) -> Issued:
    """Draw, seal, store, record. The merge data are kept with the message first, so a retry draws the same bytes."""
    async with means.sessions.tenant(case.tenant_id) as session:
        if done := await artifacts.by_effect(session, case.key):
            return _issued(done)
        message = await session.get(Message, message_id, with_for_update=True)
        if message is None:
            raise NotFound("message_not_found", f"There is no planned letter {message_id}: plan it first.")
        version = await _known(session, UUID(message.data["version_id"]))
        document = await _document(session, version, message.data["language"])
        data = message.data.get("merge") or await gather(session, case, writing)
        fill(document, _given(document, data))
        message.data = {**message.data, "merge": data}
        key = await data_key(session, means.keyring, case.tenant_id, case.student_id)
    draft = _Draft(document, data, key, version)
    try:
        drawn = await _draw(means, draft)
    except DomainError:
        await _forget(means, case, message_id)
        raise
    paper = Paper(artifact_id_for(case.key), _year(data, case.now), drawn.content, drawn.pages, str(drawn.engine))
    shelved = await artifacts.shelve(means, case.tenant_id, key, paper, now=case.now)
    async with means.sessions.tenant(case.tenant_id) as session:
        kept = await session.get(Message, message_id, with_for_update=True)
        assert kept is not None
        facts = _facts(case, draft, kept.guardian_id, kept.data["language"])
        facts |= {"instance_id": case.instance_id, "stage_key": kept.stage_key}
        row = await artifacts.enter(session, case.actor, shelved, facts, now=case.now)
        kept.artifact_id = row.id
    return _issued(row)


async def _forget(means: Means, case: CaseRef, message_id: UUID) -> None:
    """Nothing was stored from these values: staff repair the address or name, and they are read again."""
    async with means.sessions.tenant(case.tenant_id) as session:
        message = await session.get(Message, message_id, with_for_update=True)
        assert message is not None
        message.data = {name: value for name, value in message.data.items() if name != "merge"}


async def generate(means: Means, actor: Actor, command: GenerateLetter, *, now: datetime) -> LetterArtifact:
    """Store a letter to one entitled guardian without sending it; the same key answers the same artifact."""
    case = CaseRef(
        actor.tenant_id,
        SchoolId(command.school_id),
        StudentId(command.student_id),
        InstanceId(command.student_id),
        key=f"generate/{command.key}",
        now=now,
    )
    async with means.sessions.tenant(actor.tenant_id) as session:
        if done := await artifacts.by_effect(session, case.key):
            return done
        if refused := await may_send(session, case, command.guardian_id, "letters"):
            raise Forbidden("not_entitled", f"Guardian {command.guardian_id} may not get this letter: {refused}.")
        version = await _version(session, case, Wish(command.template))
        writing = Writing(command.guardian_id, BASE_LANGUAGE, Basis(), command.values)
        document = await _document(session, version, writing.language)
        data = await gather(session, case, writing)
        fill(document, _given(document, data))
        key = await data_key(session, means.keyring, actor.tenant_id, command.student_id)
    draft = _Draft(document, data, key, version)
    drawn = await _draw(means, draft)
    own_id = artifact_id_for(f"{case.key}/{sha256(drawn.content).hexdigest()}")
    paper = Paper(own_id, _year(data, now), drawn.content, drawn.pages, str(drawn.engine))
    shelved = await artifacts.shelve(means, actor.tenant_id, key, paper, now=now)
    async with means.sessions.tenant(actor.tenant_id) as session:
        facts = _facts(case, draft, command.guardian_id, writing.language)
        return await artifacts.enter(session, actor, shelved, facts, now=now)


async def _known(session: AsyncSession, version_id: UUID) -> LetterTemplateVersion:
    found = await session.get(LetterTemplateVersion, version_id)
    if found is None:
        raise NotFound("template_version_not_found", f"There is no template version {version_id} here.")
    return found


async def _document(session: AsyncSession, version: LetterTemplateVersion, language: str) -> LetterDocument:
    template = await session.get(LetterTemplate, version.template_id)
    assert template is not None
    said = version.translations.get(language, {}) if language != BASE_LANGUAGE else {}
    return parse_template(
        said.get("body", version.body),
        title=said.get("title", template.title),
        language=language,
        schema=version.merge_field_schema,
    )


def _given(document: LetterDocument, data: Mapping[str, Any]) -> dict[str, Any]:
    """The values that this template knows: the case can give more than one letter says."""
    return {name: value for name, value in data.items() if name in document.fields}


async def _draw(means: Means, draft: _Draft) -> RenderedLetter:
    filled = fill(draft.document, _given(draft.document, draft.data))
    return await means.threads.run(lambda: render(filled))


def _year(data: Mapping[str, Any], now: datetime) -> int:
    said = data.get("letter_date")
    return date.fromisoformat(said).year if said else now.year


def _facts(case: CaseRef, draft: _Draft, guardian_id: UUID, language: str) -> dict[str, Any]:
    return {
        "kind": "LETTER",
        "student_id": case.student_id,
        "school_id": case.school_id,
        "guardian_id": guardian_id,
        "template_id": draft.version.template_id,
        "template_version": draft.version.version,
        "language": language,
        "merge_data": snapshot(draft.document, draft.data),
        "effect_key": case.key,
    }


def _issued(row: LetterArtifact) -> Issued:
    return Issued(row.id, row.sha256, row.stored_sha256, row.pages)


async def planned_message(session: AsyncSession, case: CaseRef, stage_key: str, guardian_id: UUID) -> UUID:
    """The newest planned letter of a rung to one guardian."""
    mine = (
        select(Message.id)
        .where(
            Message.instance_id == case.instance_id,
            Message.stage_key == stage_key,
            Message.guardian_id == guardian_id,
            Message.kind == LETTER,
            Message.data["plan"].as_string().is_not(None),
            Message.status.not_in(SUPERSEDED_OR_GONE),
        )
        .order_by(Message.id.desc())
        .limit(1)
    )
    found = (await session.scalars(mine)).first()
    if found is None:
        raise NotFound("letter_not_planned", f"No letter of {stage_key} to guardian {guardian_id} is planned.")
    return found
