"""One module of routes per capability."""

from fastapi import APIRouter

from api.routes import cases, people, rules, safeguards, templates

ROUTERS: tuple[APIRouter, ...] = (cases.router, safeguards.router, rules.router, people.router, templates.router)
