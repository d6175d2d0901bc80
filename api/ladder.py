"""The way from a route to a running case: permission first, then the case's own answer, no transaction between."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request, Response

from api.commands import CommandKey
from api.dependencies import ApiDependencies, Caller, Parts
from api.schemas.ladder import AnswerOut
from orchestration.handles import CaseAddress, Told
from rules.access.policy import Resource
from rules.errors import Conflict, Unavailable
from rules.ids import SchoolId, StudentId
from rules.ladder.commands import Command
from rules.ladder.verbs import Verb
from services import breakers, instances
from services.instances import InstanceFile

ACCEPTED = 202


@dataclass(frozen=True)
class Asked:
    """What beside the instance decides a permission: the rows decided together, and what support was considered."""

    rows: int = 1
    consideration: str = ""


@dataclass(frozen=True)
class Ladder:
    """Finds instances for a caller and carries verbs to their cases."""

    parts: ApiDependencies
    request: Request
    response: Response

    async def reached(self, caller: Caller, instance_id: UUID, asked: Asked | None = None) -> InstanceFile:
        """The instance, if the policy allows the caller this permission on it."""
        about = asked or Asked()
        async with self.parts.sessions.tenant(caller.actor.tenant_id) as session:
            found = await instances.file(session, instance_id, on=caller.now.date())
        caller.must(
            Resource(
                caller.principal.tenant_id,
                school_ids=frozenset({SchoolId(found.instance.lead_school_id)}),
                student_id=StudentId(found.instance.student_id),
                level=found.level,
                flagged=found.flagged,
                consideration=about.consideration,
                rows=about.rows,
            )
        )
        return found

    async def tell(self, caller: Caller, found: InstanceFile, verb: Verb, command: Command) -> Told:
        """The case's answer to a verb; None in it means accepted and not yet confirmed."""
        still_open(found)
        if verb is Verb.APPROVE:
            nothing_owed(found)
        cases = self.parts.cases
        if cases is None:
            raise Unavailable("temporal_unavailable", "The case engine is not connected; try again with the same key.")
        address = CaseAddress(caller.actor.tenant_id, found.instance.school_year, found.instance.id)
        told = await cases.tell(address, verb.value, command)
        if told.answer is None:
            self.unconfirmed()
        else:
            async with self.parts.sessions.tenant(caller.actor.tenant_id) as session:
                await instances.answered(session, found.instance.id, told.answer)
        return told

    def unconfirmed(self) -> None:
        """Answer 202 and keep no answer: the same key asks the case again."""
        self.response.status_code = ACCEPTED
        self.request.state.unconfirmed = True


def not_held(found: InstanceFile) -> None:
    """Refuse to approve what a breaker holds: it stays waiting until a leader releases it (ladder.md)."""
    if found.breaker_id is not None:
        raise breakers.refusal(found.breaker_id)


def still_open(found: InstanceFile) -> None:
    """Refuse a verb on a closed walk, before anything is written down for it."""
    if found.instance.closed_at is not None:
        raise Conflict(
            "verb_not_allowed",
            f"Instance {found.instance.id} is closed; nothing but reopen is possible.",
            phase=found.instance.phase,
            allowed=["reopen"],
        )


def nothing_owed(found: InstanceFile) -> None:
    """Refuse a hard step while a duty keeps it back."""
    if found.blocked_by is not None:
        raise Conflict(
            "duty_open",
            f"Duty {found.blocked_by} keeps this step back: close it with what the law asks for, then approve.",
            duty_id=str(found.blocked_by),
        )


async def _ladder(parts: Parts, request: Request, response: Response) -> Ladder:
    return Ladder(parts, request, response)


Cases = Annotated[Ladder, Depends(_ladder)]


@dataclass(frozen=True)
class OneWalk:
    """The walk that the address names and the command's own key: what every verb on it begins and ends with."""

    instance_id: UUID
    key: str
    cases: Ladder

    async def reached(self, caller: Caller, asked: Asked | None = None) -> InstanceFile:
        """The walk, if the policy allows the caller this permission on it."""
        return await self.cases.reached(caller, self.instance_id, asked)

    def by(self, caller: Caller, reason: str = "") -> dict[str, Any]:
        """Who says it, under which id, and why."""
        return {"command_id": self.key, "actor_id": caller.actor.person_id, "role": caller.actor.role, "reason": reason}

    async def tell(self, caller: Caller, found: InstanceFile, verb: Verb, command: Command) -> AnswerOut:
        """What the case answers to a verb on a walk that was reached."""
        return AnswerOut.of(self.instance_id, await self.cases.tell(caller, found, verb, command))

    async def say(self, caller: Caller, verb: Verb, command: Command) -> AnswerOut:
        """Reach it and tell it: for verbs that ask nothing of the walk before."""
        return await self.tell(caller, await self.reached(caller), verb, command)


async def _one_walk(instance_id: UUID, key: CommandKey, cases: Cases) -> OneWalk:
    return OneWalk(instance_id, key, cases)


Walk = Annotated[OneWalk, Depends(_one_walk)]
