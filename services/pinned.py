"""The rule set a case is pinned to, read by its digest and parsed once per process."""

from dataclasses import dataclass
from datetime import date
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


@dataclass(frozen=True, slots=True)
class Law:
    """What a step of law rests on, as it is shown wherever the step is."""

    rule_set: str
    authority: str
    cite: str
    source: str | None
    checked_on: date | None

    @property
    def sentence(self) -> str:
        """`EC 48260.5 (California Education Code; checked 2026-11-21)`."""
        checked = f"checked {self.checked_on}" if self.checked_on else "not checked"
        return f"{self.cite} ({self.source}; {checked})" if self.source else f"{self.cite} ({checked})"


async def law_of(session: AsyncSession, instance_id: UUID, stage_key: str) -> Law | None:
    """The law that the instance's pinned version cites for a stage; None where it cites none."""
    pinned = (await session.scalars(select(Instance.digest).where(Instance.id == instance_id))).one()
    ruleset = await ruleset_of(session, pinned)
    stage = next((one for one in ruleset.stages if one.key == stage_key), None)
    if stage is None or stage.cite is None:
        return None
    found = ruleset.citation(stage.cite)
    authority = found.authority if found else "policy"
    source, checked = (found.source, found.checked_on) if found else (None, None)
    return Law(ruleset.title, authority, stage.cite, source, checked)


async def stage_types(session: AsyncSession, instance_id: UUID) -> dict[str, str]:
    """The requirements' name (LETTER_1, MEETING, ...) of every stage of the instance's pinned version."""
    digest = (await session.scalars(select(Instance.digest).where(Instance.id == instance_id))).one()
    ruleset = await ruleset_of(session, digest)
    return {stage.key: stage_type(ruleset, stage) for stage in ruleset.stages}
