"""The one frozen Settings object: read by the composition roots only (worker, server, cli, migration environment)."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Environment variables `HANDRAIL_*`; a set variable replaces the embedded part of that name."""

    model_config = SettingsConfigDict(env_prefix="HANDRAIL_", frozen=True, extra="ignore")

    database_url: str = ""
