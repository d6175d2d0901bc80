"""One module of routes per capability."""

from fastapi import APIRouter

from api.routes import people

ROUTERS: tuple[APIRouter, ...] = (people.router,)
