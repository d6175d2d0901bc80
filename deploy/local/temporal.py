"""Temporal's development server with its UI: on SQLite, for development, tests and demos only."""

import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from deploy.local.processes import Child, tool

SEARCH_ATTRIBUTES = {
    "HandrailTenant": "Keyword",
    "HandrailSchool": "Keyword",
    "HandrailStage": "Keyword",
    "HandrailPhase": "Keyword",
    "HandrailRuleSet": "Keyword",
    "HandrailAwaitingApproval": "Bool",
    "HandrailDueAt": "Datetime",
}


@dataclass(frozen=True)
class TemporalPlan:
    """Where the server listens and keeps its data; no UI when `ui_port` is none, no file when `database` is none."""

    log: Path
    port: int
    http_port: int
    metrics_port: int
    ui_port: int | None = None
    database: Path | None = None
    codec_endpoint: str | None = None


def temporal_child(plan: TemporalPlan) -> Child:
    """Describe the process: loopback only, no version check, no news fetch."""
    command = [tool("temporal"), "server", "start-dev", "--ip", "127.0.0.1", "--port", str(plan.port)]
    command += ["--http-port", str(plan.http_port), "--metrics-port", str(plan.metrics_port), "--log-level", "error"]
    command += [part for name, kind in SEARCH_ATTRIBUTES.items() for part in ("--search-attribute", f"{name}={kind}")]
    # Fairness between tenants is off by default in the server.
    command += ["--dynamic-config-value", "matching.enableFairness=true"]
    if plan.ui_port is None:
        command.append("--headless")
    else:
        command += ["--ui-port", str(plan.ui_port), "--ui-disable-news-fetch"]
        if plan.codec_endpoint:
            command += ["--ui-codec-endpoint", plan.codec_endpoint]
    if plan.database is not None:
        # Safe for the death of the process, not of the machine; four times as many starts a second.
        command += ["--db-filename", str(plan.database)]
        command += ["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=OFF"]
    variables = {
        "TEMPORAL_VERSION_CHECK_DISABLED": "1",
        # A fifth less memory for a twentieth more of its processor time: 4,500 calls took as long as with Go's default.
        "GOGC": "50",
        # It reads settings from the home folder, and ends where it may not (sudo keeps root's): not for this server.
        "HOME": str(plan.log.parent),
    }
    return Child("Temporal", command, plan.log, variables)


def answers(url: str) -> bool:
    """Tell whether a GET of the loopback address answers with a success."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own loopback address
            return bool(answer.status < 400)
    except (urllib.error.URLError, OSError):
        return False


def temporal_ready(plan: TemporalPlan) -> bool:
    """Ready = the namespace `default` answers over HTTP, and the UI too where there is one."""
    if not answers(f"http://127.0.0.1:{plan.http_port}/api/v1/namespaces/default"):
        return False
    return plan.ui_port is None or answers(f"http://127.0.0.1:{plan.ui_port}/")
