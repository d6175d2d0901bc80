"""Rule sets: drafted, reviewed by a second person, activated; a version that left DRAFT never changes its content."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.queries.keyset import Window, paged
from models.rulesets import RuleSet, RuleSetVersion
from rules.errors import Invalid, NotFound
from rules.rulesets import layers
from rules.rulesets import ruleset as documents
from rules.rulesets.activation import activation_problems
from rules.rulesets.attached_tests import failing_tests
from rules.rulesets.boundaries import BoundaryCase, boundary_cases, boundary_problems
from rules.rulesets.difference import Difference, differences
from rules.rulesets.model import RuleSet as Content
from rules.rulesets.problems import Problem, refused
from rules.rulesets.static_checks import Finding, findings, static_problems
from services import ruleset_places
from services.context import Actor
from services.governed import Governance, MoveVersion, VersionQuery
from services.letter_versions import district_wording

RULE_SETS: Final = Governance("ruleset", "rule set", "rule_set_version")


@dataclass(frozen=True, slots=True)
class DraftRuleSet:
    """A new version, from a document."""

    document: Mapping[str, Any]
    reason: str


@dataclass(frozen=True, slots=True)
class EditDraft:
    """Another content for a draft; its key stays."""

    version_id: UUID
    document: Mapping[str, Any]
    reason: str


@dataclass(frozen=True, slots=True)
class Version:
    """A version with the rule set it belongs to."""

    ruleset: RuleSet
    row: RuleSetVersion


async def listed(session: AsyncSession, asked: VersionQuery, window: Window) -> Sequence[Version]:
    """A page of versions, the oldest first."""
    wanted = select(RuleSetVersion, RuleSet).join(RuleSet, RuleSet.id == RuleSetVersion.rule_set_id)
    wanted = wanted.where(*asked.conditions(RuleSet.key, RuleSetVersion.status))
    rows = await session.execute(paged(wanted, (RuleSetVersion.id,), window))
    return [Version(ruleset, row) for row, ruleset in rows]


async def get(session: AsyncSession, version_id: UUID, *, lock: bool = False) -> Version:
    """One version."""
    row = await session.get(RuleSetVersion, version_id, with_for_update=lock, populate_existing=lock)
    if row is None:
        raise NotFound("ruleset_not_found", f"There is no rule-set version {version_id} here.")
    ruleset = await session.get_one(RuleSet, row.rule_set_id)
    return Version(ruleset, row)


async def draft(session: AsyncSession, actor: Actor, command: DraftRuleSet, *, now: datetime) -> Version:
    """Write the next version of the document's rule set, or the first of a new one."""
    content = await _read(session, actor, command.document, now)
    ruleset = await session.scalar(select(RuleSet).where(RuleSet.key == content.key).with_for_update())
    if ruleset is None:
        ruleset = RuleSet(key=content.key, title=content.title, jurisdiction=content.jurisdiction)
        session.add(ruleset)
        await session.flush()
    last = await session.scalar(
        select(func.max(RuleSetVersion.version)).where(RuleSetVersion.rule_set_id == ruleset.id)
    )
    row = RuleSetVersion(
        rule_set_id=ruleset.id,
        version=(last or 0) + 1,
        digest=documents.digest(content),
        content=documents.dump_ruleset(content),
        status="DRAFT",
        author_id=actor.person_id,
        reason=command.reason,
    )
    session.add(row)
    await session.flush()
    await RULE_SETS.record(session, actor, row, "draft_ruleset", now=now)
    return Version(ruleset, row)


async def edit(session: AsyncSession, actor: Actor, command: EditDraft, *, now: datetime) -> Version:
    """Change a draft's content."""
    found = await _in_state(session, command.version_id, "DRAFT")
    content = await _read(session, actor, command.document, now)
    if content.key != found.ruleset.key:
        raise Invalid(
            "ruleset_key_fixed",
            f"This version belongs to the rule set {found.ruleset.key}; draft a new rule set for another key.",
            fields={"body.document.key": f"must be {found.ruleset.key}"},
        )
    found.row.content, found.row.digest = documents.dump_ruleset(content), documents.digest(content)
    found.row.author_id, found.row.reason = actor.person_id, command.reason
    found.row.revision += 1
    found.ruleset.title, found.ruleset.jurisdiction = content.title, content.jurisdiction
    await session.flush()
    await RULE_SETS.record(session, actor, found.row, "edit_ruleset", now=now)
    return found


async def _read(session: AsyncSession, actor: Actor, document: Mapping[str, Any], now: datetime) -> Content:
    """A whole rule set, or a layer over a pack; an override that an earlier version has keeps who said it and when."""
    pack = document.get("pack")
    key = document.get("key") or (pack if isinstance(pack, str) else None)
    newest = (
        select(RuleSetVersion.content)
        .join(RuleSet, RuleSet.id == RuleSetVersion.rule_set_id)
        .where(RuleSet.key == str(key))
        .order_by(RuleSetVersion.version.desc())
        .limit(1)
    )
    before = await session.scalar(newest)
    earlier = documents.parse_ruleset(before).overrides if before else ()
    author = layers.Author(actor.person_id, now.date(), earlier)
    return layers.layered(document, author) if layers.is_layer(document) else layers.whole(document, author)


async def submit(session: AsyncSession, actor: Actor, command: MoveVersion, *, now: datetime) -> Version:
    """Hand a draft to a second person."""
    found = await _in_state(session, command.version_id, "DRAFT")
    return await _moved(session, actor, found, "IN_REVIEW", command, now)


async def approve(session: AsyncSession, actor: Actor, command: MoveVersion, *, now: datetime) -> Version:
    """Agree, as somebody else than the author, once attached and generated tests pass and the checks find nothing."""
    found = await _in_state(session, command.version_id, "IN_REVIEW")
    RULE_SETS.refuse_author(actor, found.row)
    content = documents.parse_ruleset(found.row.content)
    if failing := _failing(content):
        raise refused("ruleset_tests_fail", "Attached or generated tests fail", failing)
    if unsound := list(static_problems(content)):
        raise refused("ruleset_checks_fail", "The rule set does not pass its checks", unsound)
    return await _moved(session, actor, found, "APPROVED", command, now)


async def activate(session: AsyncSession, actor: Actor, command: MoveVersion, *, now: datetime) -> Version:
    """Put an approved version in force; the one before it takes no new entries, running cases keep theirs."""
    found = await _in_state(session, command.version_id, "APPROVED")
    content = documents.parse_ruleset(found.row.content)
    documents.refuse_activation(content)
    if elsewhere := await ruleset_places.problems(session, content, now.date()):
        raise refused("ruleset_elsewhere", "The rule set is not law here", elsewhere)
    await _refuse_without_wording(session, content)
    before = await session.scalar(
        select(RuleSetVersion)
        .where(RuleSetVersion.rule_set_id == found.ruleset.id, RuleSetVersion.status == "ACTIVE")
        .with_for_update()
    )
    if before is not None:
        await RULE_SETS.move(session, actor, before, "RETIRED", command, now=now)
    found.row.activated_at, found.row.shadow_since = now, None
    return await _moved(session, actor, found, "ACTIVE", command, now)


@dataclass(frozen=True, slots=True)
class Checked:
    """What stands between a version and its activation, and what was waived."""

    findings: Sequence[Finding]
    failing: Sequence[Problem]
    not_ready: Sequence[Problem]
    cases: Sequence[BoundaryCase]
    """Each leaf around its thresholds, and what it comes to there."""

    @property
    def clean(self) -> bool:
        """Whether nothing is left to mend."""
        return not self.failing and not self.not_ready and all(finding.waiver for finding in self.findings)


async def checked(session: AsyncSession, version_id: UUID, *, today: date) -> Checked:
    """Look at a version as approval and activation will."""
    content = documents.parse_ruleset((await get(session, version_id)).row.content)
    cases = [case for leaf in content.leaf_index() for case in boundary_cases(leaf)]
    not_ready = [*activation_problems(content), *await ruleset_places.problems(session, content, today)]
    return Checked(list(findings(content)), _failing(content), not_ready, cases)


def _failing(content: Content) -> list[Problem]:
    """Tests that an author attached, and those generated around each threshold."""
    return [*failing_tests(content), *boundary_problems(content)]


@dataclass(frozen=True, slots=True)
class Compared:
    """A version beside an older one, and what is different."""

    version: Version
    against: Version
    differences: Sequence[Difference]


async def compared(session: AsyncSession, version_id: UUID, against_id: UUID | None) -> Compared:
    """A version beside another: the one named, or else the one in force, or else the one before it."""
    found = await get(session, version_id)
    against = await get(session, against_id) if against_id else await _natural_rival(session, found)
    old, new = (documents.parse_ruleset(one.row.content) for one in (against, found))
    return Compared(found, against, differences(old, new))


async def _natural_rival(session: AsyncSession, found: Version) -> Version:
    others = select(RuleSetVersion).where(
        RuleSetVersion.rule_set_id == found.ruleset.id, RuleSetVersion.id != found.row.id
    )
    in_force = await session.scalar(others.where(RuleSetVersion.status == "ACTIVE"))
    before = others.where(RuleSetVersion.version < found.row.version).order_by(RuleSetVersion.version.desc()).limit(1)
    row = in_force or await session.scalar(before)
    if row is None:
        raise NotFound(
            "nothing_to_compare",
            f"Version {found.row.id} is the first of {found.ruleset.key}; name another with ?against=.",
        )
    return Version(found.ruleset, row)


async def _refuse_without_wording(session: AsyncSession, content: Content) -> None:
    """A letter nobody has approved the wording of could never be written: say so before a child waits for it."""
    fields = {}
    for at, stage in enumerate(content.stages):
        if stage.template and not await district_wording(session, stage.template):
            fields[f"stages[{at}].template"] = f"no version of {stage.template} is approved"
    if fields:
        raise Invalid(
            "template_not_approved",
            f"The rule set {content.key} writes letters whose wording nobody has approved: "
            "draft, submit and approve them (POST /letters/templates), then activate.",
            fields=fields,
        )


async def retire(session: AsyncSession, actor: Actor, command: MoveVersion, *, now: datetime) -> Version:
    """No new entries from now on; cases pinned to the version go on being evaluated."""
    return await _moved(session, actor, await _in_state(session, command.version_id, "ACTIVE"), "RETIRED", command, now)


async def _in_state(session: AsyncSession, version_id: UUID, status: str) -> Version:
    found = await get(session, version_id, lock=True)
    RULE_SETS.refuse_unless(found.row, status)
    return found


async def _moved(
    session: AsyncSession, actor: Actor, found: Version, status: str, command: MoveVersion, now: datetime
) -> Version:
    await RULE_SETS.move(session, actor, found.row, status, command, now=now)
    return found
