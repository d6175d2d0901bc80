"""One case inside its workflow: the state, its effects under stable keys, its answers. No policy lives here."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from rules.ids import SchoolId
from rules.ladder import acting, transfers
from rules.ladder.commands import Answer, Command
from rules.ladder.describing import details
from rules.ladder.state import State
from rules.ladder.steps import due_at
from rules.ladder.verbs import allowed
from rules.ladder.words import Phase
from workflows.messages import Settings, Start, View
from workflows.ports.common import Order
from workflows.retry import EFFECT, RECORD, RECORD_PAUSE, WAITING_FOR_OTHERS, shown

TheOrder = TypeVar("TheOrder", bound=Order)
TheResult = TypeVar("TheResult")
LONGEST_ERROR = 300


class EffectParked(Exception):
    """The effect exhausted its retries."""


class EffectGivenUp(Exception):
    """Staff gave this effect up."""

    def __init__(self, effect: str) -> None:
        super().__init__(effect)
        self.effect = effect


class CaseClosing(Exception):
    """No further effect of this step is started."""


class Case:
    """Holds the latest state and performs effects; steps and handlers replace `state`, nothing else does."""

    def __init__(self, start: Start) -> None:
        self.start = start
        self.state: State = start.state

    @property
    def settings(self) -> Settings:
        """The tenant's choices, pinned at start."""
        return self.start.settings

    @property
    def now(self) -> datetime:
        """The workflow's time."""
        return workflow.now()

    @property
    def school_id(self) -> SchoolId:
        """The school that leads the case now."""
        return self.state.school_id or self.start.school_id

    @property
    def interrupted(self) -> bool:
        """Whether no further effect of this step is started: the case closes, or its student has gone elsewhere."""
        return self.state.closing is not None or transfers.expected(self.state)

    @property
    def over(self) -> bool:
        """Closed, and everybody knows."""
        return self.state.phase is Phase.CLOSED and not self.state.unreported

    def order(self, effect: str) -> dict[str, Any]:
        """What every order carries; the key is made at the first try and kept until the effect is done."""
        key = self.state.keys.get(effect)
        if key is None:
            number = self.state.effects + 1
            key = f"{workflow.info().workflow_id}/{number}/{effect}"
            self.state = self.state.but(effects=number, keys={**self.state.keys, effect: key})
        ids = {name: getattr(self.start, name) for name in ("tenant_id", "student_id", "instance_id")}
        return {**ids, "school_id": self.school_id, "key": key, "now": workflow.now()}

    async def perform(
        self,
        port: Callable[[TheOrder], Awaitable[TheResult]],
        order: TheOrder,
        config: workflow.ActivityConfig = EFFECT,
        *,
        lasting: bool = False,
    ) -> TheResult:
        """Run one effect; `lasting` keeps its key for the whole rung, so that a later retry is the same effect."""
        effect = order.key.removeprefix(f"{workflow.info().workflow_id}/").partition("/")[2]
        lost_never = config is RECORD
        while True:
            if not lost_never:
                self._may_start(effect)
            try:
                result = await workflow.execute_activity(port, args=[order], **shown(config, self._summary(effect)))
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                if lost_never or _waits_for_others(error):
                    await self._pause(effect, interruptible=not lost_never)
                    continue
                self.state = acting.parked(self.state, effect, _why(error), workflow.now())
                raise EffectParked(effect) from error
            if not lasting:
                self._forget(effect)
            return result

    async def settle(
        self,
        port: Callable[[TheOrder], Awaitable[TheResult]],
        order: TheOrder,
        then: Callable[[State, TheResult], State],
        config: workflow.ActivityConfig = EFFECT,
        *,
        about: Callable[[State], object] = lambda state: state.turn,
    ) -> None:
        """Run one effect and take its result in, unless a command changed meanwhile what it was `about`."""
        before = about(self.state)
        result = await self.perform(port, order, config)
        if about(self.state) == before:
            self.state = then(self.state, result)

    async def _pause(self, effect: str, *, interruptible: bool) -> None:
        """Not this effect's fault: try again a little later, unless the case must close meanwhile."""
        with contextlib.suppress(asyncio.TimeoutError):
            await workflow.wait_condition(
                lambda: interruptible and self.interrupted,
                timeout=RECORD_PAUSE,
                timeout_summary=f"try again: {effect}",
            )

    def _may_start(self, effect: str) -> None:
        if self.interrupted:
            raise CaseClosing
        if effect in self.state.given_up:
            self._forget(effect)
            raise EffectGivenUp(effect)

    def _forget(self, effect: str) -> None:
        self.state = self.state.but(keys={name: key for name, key in self.state.keys.items() if name != effect})

    def _summary(self, effect: str) -> str:
        return f"{effect.partition('/')[0]} {self.state.stage_key or ''}".strip()

    def answer(self, command: Command) -> Answer:
        """What the case says to a command: where it stands now."""
        state = self.state
        return Answer(
            command_id=command.command_id,
            instance_id=self.start.instance_id,
            status=state.status.value,
            phase=state.phase.value,
            stage_key=state.stage_key,
            proposal_id=state.proposal.id if state.proposal else None,
            revision=state.revision,
            undo_until=state.undo_until,
            verbs=self.verbs(),
        )

    def verbs(self) -> tuple[str, ...]:
        """The verbs the case takes now."""
        return tuple(verb.value for verb in allowed(self.state, workflow.now()))

    def view(self) -> View:
        """Everything about the case, with reasons."""
        due = due_at(self.state, workflow.now())
        return View(
            instance_id=self.start.instance_id,
            status=self.state.status.value,
            phase=self.state.phase.value,
            stage_key=self.state.stage_key,
            due_at=due,
            verbs=self.verbs(),
            details=details(self.state, due),
            state=self.state,
        )


def _waits_for_others(error: ActivityError) -> bool:
    return isinstance(error.cause, ApplicationError) and error.cause.type in WAITING_FOR_OTHERS


def _why(error: ActivityError) -> str:
    cause = error.cause
    code = f"{cause.type}: " if isinstance(cause, ApplicationError) and cause.type else ""
    return f"{code}{cause or error}"[:LONGEST_ERROR]


def refused(error: BaseException, code: str, extra: dict[str, object]) -> ApplicationError:
    """A refusal as Temporal carries it: `type` is the stable code, the first detail holds the extras (`allowed`,
    `current`).
    """
    return ApplicationError(str(error), extra, type=code, non_retryable=True)
