"""One module of routes per capability."""

from fastapi import APIRouter

from api.routes import (
    amendments,
    artifacts,
    attendance,
    audit,
    cases,
    compliance,
    disclosures,
    events,
    incidents,
    ladder,
    meetings,
    people,
    queue,
    rules,
    safeguards,
    simulation,
    templates,
    tenants,
    webhooks,
)

ROUTERS: tuple[APIRouter, ...] = (
    queue.router,
    ladder.router,
    cases.router,
    safeguards.router,
    rules.router,
    people.router,
    templates.router,
    tenants.router,
    artifacts.router,
    meetings.router,
    attendance.router,
    simulation.router,
    events.router,
    disclosures.router,
    amendments.router,
    incidents.router,
    webhooks.router,
    audit.router,
    compliance.router,
)
