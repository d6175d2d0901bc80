"""Every activity of the worker, built once from what the composition root gives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from activities.backtests import BacktestActivities
from activities.calendar import CalendarActivities
from activities.contacts import ContactActivities
from activities.decisions import DecisionActivities
from activities.endings import EndingActivities
from activities.escalations import EscalationActivities
from activities.follow_up import FollowUpActivities
from activities.letters import LetterActivities
from activities.meetings import MeetingActivities
from activities.nightly import NightlyActivities
from activities.plans import PlanActivities
from activities.projection import ProjectionActivities
from activities.proposals import ProposalActivities
from activities.referrals import ReferralActivities
from activities.tasks import TaskActivities
from activities.transfers import TransferActivities
from activities.year_ends import YearEndActivities
from services.means import Means


@dataclass(frozen=True)
class ActivityDependencies(Means):
    """Database, store, mail, keys, threads and sender: all that activities reach."""


def build(deps: ActivityDependencies) -> list[Callable[..., Any]]:
    """The bound methods that the worker registers."""
    sessions = deps.sessions
    objects: list[object] = [
        BacktestActivities(sessions, deps.threads.run),
        CalendarActivities(sessions),
        ContactActivities(sessions),
        DecisionActivities(sessions, deps.threads.run),
        EndingActivities(deps),
        EscalationActivities(deps),
        FollowUpActivities(deps),
        LetterActivities(deps),
        MeetingActivities(deps),
        NightlyActivities(sessions),
        PlanActivities(sessions),
        ProjectionActivities(sessions),
        ProposalActivities(sessions),
        ReferralActivities(deps),
        TaskActivities(sessions),
        TransferActivities(sessions),
        YearEndActivities(sessions),
    ]
    return [method for one in objects for method in methods(one)]


def methods(one: object) -> list[Callable[..., Any]]:
    """An object's activities: its public methods."""
    named = [name for name in vars(type(one)) if not name.startswith("_")]
    return [getattr(one, name) for name in sorted(named)]
