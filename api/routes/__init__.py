"""One module of routes per capability."""

from fastapi import APIRouter

from api.routes import cases, people, rules, safeguards

ROUTERS: tuple[APIRouter, ...] = (cases.router, safeguards.router, rules.router, people.router)
