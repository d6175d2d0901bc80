"""The database as the owner of its tables, for what the application role has no right to."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import SecretStr
from sqlalchemy.engine import make_url

from cli._database import opened_for
from deploy.local.folder import StackFolder
from deploy.local.postgres import OWNER
from models.session import Sessions
from settings import STACK_FILE, Settings, secret

T = TypeVar("T")


def with_owner(work: Callable[[Sessions], Awaitable[T]]) -> T:
    """Open the database as its owner, do the work, close it; a refusal ends the command with status 2."""
    return opened_for(_settings, work)


def _settings() -> Settings:
    settings = Settings.load().require("master_keys")
    owner = settings.database_owner_url or _embedded(settings)
    if owner is None:
        settings.require("database_owner_url")
    return settings.model_copy(update={"database_url": owner})


def _embedded(settings: Settings) -> SecretStr | None:
    """The owner of the running embedded server, whose password lies in the data folder."""
    place = settings.data_dir / STACK_FILE
    if settings.database_url is None or not place.exists():
        return None
    application = make_url(secret(settings.database_url))
    if f"@{application.host}:{application.port}/{application.database}" not in place.read_text(encoding="utf-8"):
        return None
    own = StackFolder(settings.data_dir).secrets().postgres_owner
    return SecretStr(application.set(username=OWNER, password=own).render_as_string(hide_password=False))
