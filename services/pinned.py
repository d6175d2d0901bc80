"""The rule set a case is pinned to, read by its digest and parsed once per process."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.instances import Instance
from models.rulesets import RuleSetVersion
from rules.errors import NotFound
from rules.rulesets.model import RuleSet
from rules.rulesets.ruleset import parse_ruleset, stage_type

_known: dict[str, RuleSet] = {}


async def ruleset_of(session: AsyncSession, digest: str) -> RuleSet:
    """The stored version of a digest; a content never changes, so it is parsed once."""
    if digest in _known:
        return _known[digest]
    content = (await session.scalars(select(RuleSetVersion.content).where(RuleSetVersion.digest == digest))).first()
    if content is None:
        raise NotFound("ruleset_not_found", f"There is no rule-set version with digest {digest[:12]} in this tenant.")
    _known[digest] = parse_ruleset(content)
    return _known[digest]


async def stage_types(session: AsyncSession, instance_id: UUID) -> dict[str, str]:
    """The requirements' name (LETTER_1, MEETING, ...) of every stage of the instance's pinned version."""
    digest = (await session.scalars(select(Instance.digest).where(Instance.id == instance_id))).one()
    ruleset = await ruleset_of(session, digest)
    return {stage.key: stage_type(ruleset, stage) for stage in ruleset.stages}
