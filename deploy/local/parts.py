"""What the embedded stack consists of: parts that run here, parts a variable replaced, what each process is told."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from deploy.local.folder import Secrets, StackFolder
from deploy.local.postgres import DATABASE, Credentials, Postgres, Server
from deploy.local.processes import Child, accepts_connections
from deploy.local.storage import PORT_NAMES, StorePlan, store_child
from deploy.local.temporal import TemporalPlan, answers, temporal_child, temporal_ready
from settings import PREFIX, Settings

WORKER_READY = "HANDRAIL WORKER READY"


@dataclass
class Part:
    """One running part: its process, how to tell that it is ready, and where people find it."""

    key: str
    title: str
    child: Child
    ready: Callable[[], bool]
    where: str = ""


@dataclass(frozen=True)
class Plan:
    """Everything decided before the first process starts."""

    folder: StackFolder
    settings: Settings
    ports: Mapping[str, int]
    secrets: Secrets
    demo: bool

    def replaced(self) -> dict[str, str]:
        """Parts that a variable points elsewhere, with the place."""
        given = self.settings
        store = given.s3_endpoint or (f"AWS S3, {given.s3_region}" if given.s3_access_key else None)
        database = given.database_url and given.database_url.get_secret_value().rpartition("@")[2]
        mail = given.smtp_host and f"{given.smtp_host}:{given.smtp_port}"
        places = {"postgres": database, "temporal": given.temporal_address, "s3": store, "mail": mail}
        return {name: place for name, place in places.items() if place}

    def credentials(self) -> Credentials:
        return Credentials(self.secrets.postgres_superuser, self.secrets.postgres_owner, self.secrets.postgres_app)

    def server(self) -> Server:
        return Server(self.ports["postgres"], self.credentials())

    def url(self, port: str) -> str:
        return f"http://127.0.0.1:{self.ports[port]}"


def environment(plan: Plan) -> dict[str, str]:
    """The product's settings: what was given, and the embedded parts where nothing was."""
    replaced, own = plan.replaced(), plan.secrets
    told: dict[str, object] = {
        "master_keys": own.master_keys,
        "payload_keys": own.payload_keys,
        "token_secret": own.token_secret,
        "public_url": plan.url("api"),
        "demo": plan.demo,
    }
    if "postgres" not in replaced:
        told["database_url"] = plan.server().app_url(DATABASE)
    if "temporal" not in replaced:
        told |= {"temporal_address": f"127.0.0.1:{plan.ports['temporal']}", "temporal_ui_url": plan.url("ui")}
    if "s3" not in replaced:
        told |= {"s3_endpoint": plan.url("s3"), "s3_access_key": own.s3_access_key, "s3_secret_key": own.s3_secret_key}
    if "mail" not in replaced:
        told |= {"smtp_host": "127.0.0.1", "smtp_port": plan.ports["smtp"], "smtp_starttls": False}
        told["mail_url"] = plan.url("mail")
    given = {name: getattr(plan.settings, name) for name in plan.settings.model_fields_set}
    told |= {name: value for name, value in given.items() if value is not None}
    told |= {"data_dir": plan.folder.path, "demo": plan.demo or plan.settings.demo}
    # Only migrations run as the owner; the worker and the API never learn its password.
    told.pop("database_owner_url", None)
    return {f"{PREFIX}{name.upper()}": _text(value) for name, value in told.items()}


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value).lower() if isinstance(value, bool) else str(value)


def codec_endpoint(plan: Plan) -> str:
    return plan.url("codec") + plan.secrets.codec_path


def servers(plan: Plan) -> list[Part]:
    """The parts that need nothing else, PostgreSQL apart: Temporal, store, mail catcher, codec endpoint."""
    replaced, folder, ports = plan.replaced(), plan.folder, plan.ports
    parts: list[Part] = []
    if "temporal" not in replaced:
        temporal = TemporalPlan(
            folder.log("temporal"),
            ports["temporal"],
            ports["temporal_http"],
            ports["temporal_metrics"],
            ports["ui"],
            folder.path / "temporal" / "temporal.db",
            codec_endpoint(plan),
        )
        parts.append(
            Part("temporal", "Temporal", temporal_child(temporal), lambda: temporal_ready(temporal), plan.url("ui"))
        )
        parts.append(_codec(plan))
    if "s3" not in replaced:
        store = store_child(store_plan(plan))
        parts.append(Part("s3", "S3 store", store, lambda: accepts_connections(ports["s3"]), plan.url("s3")))
    if "mail" not in replaced:
        catcher = python("Mail catcher", plan, "deploy.local.mail_catcher", str(ports["smtp"]), str(ports["mail"]))
        catcher.command = [*catcher.command, str(folder.path / "mail")]
        parts.append(Part("mail", "Mail catcher", catcher, lambda: answers(plan.url("mail")), plan.url("mail")))
    return parts


def postgres(plan: Plan) -> Postgres | None:
    return None if "postgres" in plan.replaced() else Postgres(plan.folder.path / "postgres", plan.server())


def store_plan(plan: Plan) -> StorePlan:
    return StorePlan(
        plan.folder.log("s3"),
        plan.folder.path / "s3",
        {name: plan.ports[name] for name in PORT_NAMES},
        plan.secrets.s3_access_key,
        plan.secrets.s3_secret_key,
    )


def preparations(plan: Plan) -> list[Child]:
    """Steps that run to their end: the database's roles and migrations, the bucket."""
    replaced, own, known = plan.replaced(), plan.secrets, environment(plan)
    steps: list[Child] = []
    if "postgres" not in replaced:
        step = python("Migrations", plan, "deploy.local.prepare", "database")
        embedded = {
            "EMBEDDED_PORT": str(plan.ports["postgres"]),
            "EMBEDDED_SUPERUSER": own.postgres_superuser,
            "EMBEDDED_OWNER": own.postgres_owner,
            "EMBEDDED_APP": own.postgres_app,
            f"{PREFIX}DATABASE_OWNER_URL": plan.server().owner_url(DATABASE),
        }
        step.environment = {**known, **embedded}
        steps.append(step)
    elif plan.settings.database_owner_url is not None:
        step = python("Migrations", plan, "deploy.local.prepare", "database")
        owner = plan.settings.database_owner_url.get_secret_value()
        step.environment = {**known, f"{PREFIX}DATABASE_OWNER_URL": owner}
        steps.append(step)
    if "s3" not in replaced:
        steps.append(python("Bucket", plan, "deploy.local.prepare", "store"))
    return steps


def products(plan: Plan) -> list[Part]:
    """Our own processes: the Temporal worker and the API."""
    worker = python("Worker", plan, "worker")
    port = str(plan.ports["api"])
    api = python("API", plan, "uvicorn", "--factory", "server:from_environment", "--host", "127.0.0.1", "--port", port)
    # Without a limit an open event stream would keep the process for ever.
    api.command = [*api.command, "--timeout-graceful-shutdown", "2", "--no-access-log", "--log-level", "warning"]
    return [
        Part("worker", "Worker", worker, _line_appears(worker.log)),
        Part("api", "API", api, lambda: answers(f"{plan.url('api')}/readyz"), plan.url("api")),
    ]


def demo_load(plan: Plan) -> Child:
    """The step that fills the demo's tenant."""
    return python("Demo district", plan, "deploy.local.demo_load")


def _codec(plan: Plan) -> Part:
    child = python("Codec endpoint", plan, "deploy.local.codec", str(plan.ports["codec"]))
    child.environment = {**child.environment, "CODEC_PATH": plan.secrets.codec_path, "CODEC_ORIGIN": plan.url("ui")}
    return Part("codec", "Codec endpoint", child, lambda: accepts_connections(plan.ports["codec"]))


def python(title: str, plan: Plan, module: str, *arguments: str) -> Child:
    """Describe a process of our own code, told its settings by the environment alone."""
    command = [sys.executable, "-m", module, *arguments]
    log = plan.folder.log(title.lower().replace(" ", "_"))
    return Child(title, command, log, {**environment(plan), "PYTHONUNBUFFERED": "1"})


def _line_appears(log: Path) -> Callable[[], bool]:
    """Tell whether the worker said that it is ready, since now: earlier starts said so in the same file."""
    start = log.stat().st_size if log.exists() else 0

    def said() -> bool:
        if not log.exists():
            return False
        with log.open("rb") as lines:
            lines.seek(min(start, os.fstat(lines.fileno()).st_size))
            return WORKER_READY.encode() in lines.read()

    return said
