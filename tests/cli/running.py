"""Runs a command of `handrail` in this process and asks the database what it did."""

import json
from typing import Any
from uuid import UUID

import psycopg
from typer import Typer
from typer.testing import CliRunner, Result

from tests.servers.kinds import Database


def ran(command: Typer | Any, *arguments: str) -> Result:
    """The command as typed; it reads its settings from the environment."""
    if not isinstance(command, Typer):
        application = Typer(pretty_exceptions_enable=False)
        application.command()(command)
        command = application
    return CliRunner().invoke(command, arguments)


def said(result: Result) -> dict[str, Any]:
    """The line of JSON that a command ends with."""
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return answer


def asked(database: Database, tenant_id: str | UUID, query: str) -> list[tuple[Any, ...]]:
    """Rows of one tenant."""
    with psycopg.connect(database.app_dsn) as connection:
        connection.execute("select set_config('app.current_tenant', %s, true)", [str(tenant_id)])
        return connection.execute(query.encode()).fetchall()
