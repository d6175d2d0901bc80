"""How a request is carried out: one transaction, one answer per Idempotency-Key, reads that stop with their reader."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from inspect import signature
from typing import Annotated, Any, ClassVar, Final, get_type_hints

from fastapi import Depends, Header, Request, Response
from fastapi.params import Depends as DependsMark
from fastapi.routing import APIRoute

from api.dependencies import Caller, Parts, Permit, parts
from api.errors import Problem
from api.view_log import shown, write_down
from models.session import Session
from rules.errors import Invalid
from services import idempotency
from services.idempotency import Answer, Claim

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
KEPT_HEADERS: Final = ("etag", "location")
# the event loop alone holds running tasks weakly; a write whose client has gone must still finish
_RUNNING: Final[set[asyncio.Task[Response]]] = set()
CLIENT_GONE: Final = 499


class AnsweredBefore(Exception):  # a turn of events, not an error
    """The same command was already carried out: its answer is given again."""

    def __init__(self, given: Answer) -> None:
        super().__init__("answered before")
        self.given = given


async def command_key(
    request: Request,
    given: Parts,
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=8,
            max_length=128,
            pattern=r"^[A-Za-z0-9._:-]+$",
            description="Your name for this command: the same key and body get the same answer for 24 hours.",
            examples=["b3f1a2c4-approve-1"],
        ),
    ] = None,
) -> str:
    """Claim the key before anything is done; a command without one is refused."""
    if key is None:
        problem = "send a new random text, and the same one again if you have to retry"
        raise Invalid(
            "idempotency_key_missing", "This call needs an Idempotency-Key.", fields={"header.Idempotency-Key": problem}
        )
    caller: Caller = request.state.caller
    claim = Claim(key=key, route=f"{request.method} {request.url.path}", body=(await request.body()).decode("latin-1"))
    async with given.sessions.tenant(caller.actor.tenant_id) as session:
        before = await idempotency.claim(session, caller.actor, claim, now=caller.now)
    if before is not None:
        raise AnsweredBefore(before)
    request.state.claim = claim
    return key


CommandKey = Annotated[str, Depends(command_key)]


class HandrailRoute(APIRoute):
    """Every route of the API: documented problems, one transaction, idempotent commands, views written down."""

    names_shown: ClassVar[bool] = True  # whoever is named in an answer was shown

    def __init__(self, path: str, endpoint: Callable[..., Any], **settings: Any) -> None:
        settings["operation_id"] = settings.get("operation_id") or endpoint.__name__
        settings["responses"] = {**_problems(endpoint, settings), **(settings.get("responses") or {})}
        settings["openapi_extra"] = {**(settings.get("openapi_extra") or {}), "x-permission": _permission(endpoint)}
        super().__init__(path, endpoint, **settings)

    def get_route_handler(self) -> Handler:
        original = super().get_route_handler()
        read_only = self.methods == {"GET"}

        async def handler(request: Request) -> Response:
            if read_only:
                return await _until_gone(request, lambda asked: _carried_out(asked, original, self))
            return await _to_the_end(_carried_out(request, original, self))

        return handler


def _problems(endpoint: Callable[..., Any], settings: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """What this route may answer beside its own: edits rest on a state, what is sent may be too much or too slow."""
    edits = STALE if "if_match" in signature(endpoint).parameters else {}
    sends = SENT if set(settings.get("methods") or ()) - {"GET"} else {}
    return {**PROBLEMS, **edits, **sends}


def _permission(endpoint: Callable[..., Any]) -> str:
    """The one permission of a route; a route without one cannot be written."""
    named = [
        mark.dependency.permission
        for hint in get_type_hints(endpoint, include_extras=True).values()
        for mark in getattr(hint, "__metadata__", ())
        if isinstance(mark, DependsMark) and isinstance(mark.dependency, Permit)
    ]
    if len(named) != 1:
        raise TypeError(f"{endpoint.__name__} must name exactly one permission, it names {len(named)}")
    return str(named[0])


async def _carried_out(request: Request, original: Handler, route: HandrailRoute) -> Response:
    try:
        async with AsyncExitStack() as stack:
            request.state.stack = stack
            living = asyncio.ensure_future(_signs_of_life(request))
            stack.callback(living.cancel)
            response = await original(request)
            living.cancel()
            await _written_down(request, response, route)
            return response
    except AnsweredBefore as turn:
        return _again(turn.given)
    except BaseException:
        await _release(request)
        raise


async def _signs_of_life(request: Request) -> None:
    """Keep a long command's key claimed while this process lives; without it, a retry would run beside it."""
    while True:
        await asyncio.sleep(idempotency.SIGN_OF_LIFE_SECONDS)
        claim = getattr(request.state, "claim", None)
        if claim is not None:
            async with parts(request).sessions.tenant(request.state.caller.actor.tenant_id) as session:
                await idempotency.renew(session, claim, now=parts(request).clock())


async def _written_down(request: Request, response: Response, route: HandrailRoute) -> None:
    """Store whom the answer shows and, for a command, the answer, in the transaction of the work: all or nothing."""
    caller: Caller | None = getattr(request.state, "caller", None)
    if caller is None:
        return
    claim = getattr(request.state, "claim", None)
    if claim is not None and getattr(request.state, "unconfirmed", False):
        await _release(request)  # the same key must be able to ask again
        claim = None
    students = shown(caller, response, by_name=route.names_shown)
    if claim is None and not students:
        return
    async with _of_the_work(request, caller) as session:
        await write_down(session, caller, str(route.operation_id), students, read=request.method == "GET")
        if claim is not None:
            await idempotency.answer(session, claim, _answer(request, response))


@asynccontextmanager
async def _of_the_work(request: Request, caller: Caller) -> AsyncIterator[Session]:
    work = getattr(request.state, "work", None)
    if work is not None:
        yield work
        return
    async with parts(request).sessions.tenant(caller.actor.tenant_id) as session:
        yield session


def _answer(request: Request, response: Response) -> Answer:
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    body = json.loads(bytes(response.body)) if response.body else None
    if (once := getattr(request.state, "shown_once", ())) and isinstance(body, dict):
        body = {**body, **dict.fromkeys(once)}
    return Answer(response.status_code, {"body": body, "headers": headers})


async def _release(request: Request) -> None:
    """A command that failed left nothing behind: its key may be used again at once."""
    claim = getattr(request.state, "claim", None)
    if claim is None:
        return
    async with parts(request).sessions.tenant(request.state.caller.actor.tenant_id) as session:
        await idempotency.release(session, claim)


def shown_once(request: Request, *names: str) -> None:
    """Leave these members of the answer out of what is kept for the same command sent again: they become null."""
    request.state.shown_once = names


def _again(given: Answer) -> Response:
    body = given.body["body"]
    content = b"" if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {**given.body["headers"], "Idempotency-Replayed": "true"}
    return Response(content, given.status, headers, media_type="application/json" if content else None)


async def _until_gone(request: Request, handler: Handler) -> Response:
    """Carry out a read, but stop when its reader has hung up: nobody waits for the answer."""
    work = asyncio.ensure_future(handler(request))
    gone = asyncio.ensure_future(_hung_up(request))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
        work.cancel()
        await asyncio.wait({work})
        return Response(status_code=CLIENT_GONE)
    finally:
        gone.cancel()
        work.cancel()


async def _to_the_end(work: Coroutine[Any, Any, Response]) -> Response:
    """Carry out a write even if its client hangs up meanwhile."""
    task = asyncio.ensure_future(work)
    assert isinstance(task, asyncio.Task)
    _RUNNING.add(task)
    task.add_done_callback(_RUNNING.discard)
    return await asyncio.shield(task)


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _documented(description: str) -> dict[str, Any]:
    return {"description": description, "model": Problem, "content": {"application/problem+json": {}}}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: _documented("The request cannot be read."),
    401: _documented("No valid token."),
    403: _documented("The role, school, student or level does not allow it."),
    404: _documented("No such thing here (also: it belongs to another tenant)."),
    409: _documented("The thing has moved on: look again, then decide."),
    422: _documented("The input is not as documented; the fields are named."),
    503: _documented("A part is down; try again after Retry-After with the same key."),
}
STALE: dict[int | str, dict[str, Any]] = {
    412: _documented("Somebody changed the thing after you read it."),
    428: _documented("Send If-Match with the ETag you read."),
}
SENT: dict[int | str, dict[str, Any]] = {
    408: _documented("The body did not arrive in time."),
    413: _documented("The body is larger than this address accepts."),
}
