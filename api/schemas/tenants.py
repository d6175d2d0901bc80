"""A tenant's settings as the API takes and shows them."""

from typing import Any, Final
from uuid import UUID

from pydantic import Field

from api.schemas.shared import Body, Reason, shown
from services.tenant_settings import TenantSettings
from services.tenants import TenantStanding

_EXAMPLE: Final[dict[str, Any]] = {
    "auth": {"issuer": "https://accounts.google.com", "require": {"hd": "school.example.org"}, "person_claim": "email"},
    "ladder": {"undo_seconds": 10, "remind_school_days": [3, 5, 10]},
    "schools": {"0f8fad5b-d9cb-469f-a165-70867728950e": {"phone": "+44 20 5550 0100", "address": "1 Oak Lane, Oakham"}},
}


_TENANT: Final[dict[str, Any]] = {
    "key": "harrowby",
    "name": "Harrowby Trust",
    "country": "GB",
    "timezone": "Europe/London",
}


class AdministratorIn(Body):
    """The first person who may sign in."""

    model_config = shown({"subject": "amy@harrowby.example.org", "display_name": "Amy Ward"})

    subject: str = Field(min_length=1, max_length=200, description="The person's name at the identity provider.")
    display_name: str = Field(min_length=1, max_length=200)


class TenantIn(Body):
    """A district or trust about to be served."""

    model_config = shown({**_TENANT, "administrator": {"subject": "amy@harrowby.example.org", "display_name": "Amy"}})

    key: str = Field(max_length=40, description="Short name in tokens and commands; never changes.")
    name: str = Field(min_length=1, max_length=200)
    country: str | None = Field(None, max_length=2)
    timezone: str = Field("Europe/London", max_length=64)
    administrator: AdministratorIn | None = None


class TenantOut(Body):
    """A tenant and whether it is served."""

    model_config = shown({"id": "0f8fad5b-d9cb-469f-a165-70867728950e", **_TENANT, "status": "ACTIVE"})

    id: UUID
    key: str
    name: str
    country: str | None
    timezone: str
    status: TenantStanding


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
