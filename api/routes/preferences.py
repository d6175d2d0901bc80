"""A guardian's preferences: kept by staff who reach one of their children, and by themselves."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from api import reach
from api.commands import HandrailRoute
from api.dependencies import Caller, Work, permit
from api.etags import IfMatch, tagged, unchanged
from api.schemas.preferences import PreferencesIn, PreferencesOut
from models.guardians import Guardian
from models.session import Session
from rules.access.permissions import Permission
from services import preferences
from services.preferences import Preferences, PutPreferences

router = APIRouter(tags=["people"], route_class=HandrailRoute)


async def _reached(session: Session, caller: Caller, guardian_id: UUID) -> Guardian:
    guardian = await preferences.of_guardian(session, guardian_id)
    await reach.guardian(session, caller, guardian.id)
    return guardian


def _shown(guardian: Guardian) -> PreferencesOut:
    wishes = preferences.preferences(guardian)
    return PreferencesOut.model_validate(
        {
            "guardian_id": guardian.id,
            "language": wishes.language,
            "preferred_channel": wishes.preferred_channel,
            "opted_out_channels": wishes.opted_out_channels,
            "access_needs": wishes.access_needs,
        }
    )


@router.get("/guardians/{guardian_id:uuid}/preferences")
async def read_preferences(
    guardian_id: UUID,
    caller: Annotated[Caller, permit(Permission.PREFERENCE_READ)],
    session: Work,
    response: Response,
) -> PreferencesOut:
    """A guardian's preferences, with the ETag that an edit needs."""
    return tagged(response, _shown(await _reached(session, caller, guardian_id)))


@router.put("/guardians/{guardian_id:uuid}/preferences")
async def put_preferences(
    guardian_id: UUID,
    body: PreferencesIn,
    caller: Annotated[Caller, permit(Permission.PREFERENCE_WRITE)],
    session: Work,
    response: Response,
    if_match: IfMatch = None,
) -> PreferencesOut:
    """Replace the preferences; whatever is sent from now on follows them."""
    unchanged(if_match, _shown(await _reached(session, caller, guardian_id)))
    declined, needs = list(body.opted_out_channels), list(body.access_needs)
    wanted = Preferences(body.language, body.preferred_channel, declined, needs)
    command = PutPreferences(guardian_id, wanted, body.reason)
    return tagged(response, _shown(await preferences.put(session, caller.actor, command, now=caller.now)))
