"""A tenant's settings as the API takes and shows them."""

from typing import Any, Final
from uuid import UUID

from api.schemas.shared import Body, Reason, shown
from services.tenant_settings import TenantSettings

_EXAMPLE: Final[dict[str, Any]] = {
    "auth": {"issuer": "https://accounts.google.com", "require": {"hd": "school.example.org"}, "person_claim": "email"},
    "ladder": {"undo_seconds": 10, "remind_school_days": [3, 5, 10]},
    "schools": {"0f8fad5b-d9cb-469f-a165-70867728950e": {"phone": "+44 20 5550 0100", "address": "1 Oak Lane, Oakham"}},
}


class TenantSettingsIn(Body):
    """Every section; one that is left out goes back to its default, a school that is left out keeps what it has."""

    model_config = shown({"settings": _EXAMPLE, "reason": "The school's new switchboard."})

    settings: TenantSettings
    reason: Reason


class TenantSettingsOut(Body):
    """The settings in force, defaults filled in."""

    model_config = shown({"tenant_id": "0f8fad5b-d9cb-469f-a165-70867728950e", "settings": _EXAMPLE})

    tenant_id: UUID
    settings: TenantSettings
