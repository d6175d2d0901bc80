"""What a guardian's link opens: pages without JavaScript, outside the API, that say nothing before a code was given."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from api.console import Console, from_our_page
from api.dependencies import ApiDependencies, Parts
from api.html import page
from api.page_routes import PageRoute, fields_of
from rules.access.pointers import CODE_DIGITS, TRIES
from rules.errors import Conflict, NotFound
from services import pointer_visits
from services.pointer_visits import Knock

# __Host-: as the console's cookie, and another one: a member of staff may be a guardian elsewhere
COOKIE: Final = "__Host-handrail-item"
SEE_OTHER: Final = 303
NO_STORE: Final = {"Cache-Control": "no-store"}
CHANNELS: Final = {"EMAIL": "the e-mail address that the school has for you"}


class LinkRoute(PageRoute):
    """A refusal names neither Handrail nor a way to staff's pages."""

    template = "link_message.html"


router = APIRouter(prefix="/g", include_in_schema=False, route_class=LinkRoute)


def _console(given: ApiDependencies) -> Console:
    if given.console is None:
        raise NotFound("no_links", "No link opens anything at this server.")
    return given.console


def _knock(request: Request, given: ApiDependencies, token: str) -> Knock:
    """One knock of this address, counted before anything is looked up."""
    console = _console(given)
    console.knock(request, "public_link")
    console.knock(request, "refused_link", counting=False)
    return Knock(token, request.state.request_id, given.clock(), request.cookies.get(COOKIE))


@contextmanager
def _guesses_counted(request: Request, given: ApiDependencies) -> Iterator[None]:
    """A link that opens nothing counts against its address: whoever guesses is soon shut out."""
    try:
        yield
    except NotFound:
        _console(given).knock(request, "refused_link")
        raise


async def _behind_the_code(
    token: str, request: Request, given: ApiDependencies, shown: Callable[[Knock], Awaitable[Response]]
) -> Response:
    """What a browser that gave the code is shown; any other begins again."""
    knock = _knock(request, given, token)
    try:
        with _guesses_counted(request, given):
            return await shown(knock)
    except Conflict:
        return RedirectResponse(f"/g/{token}", SEE_OTHER, headers=NO_STORE)


@router.get("/{token}")
async def open_link(token: str, request: Request, given: Parts) -> Response:
    """Offer a code; nothing is sent yet, because mail programs follow links by themselves."""
    knock = _knock(request, given, token)
    with _guesses_counted(request, given):
        door = await pointer_visits.arrive(given.sessions, knock)
    return page("link.html", token=token, door=door, channels=CHANNELS)


@router.post("/{token}/code")
async def send_code(token: str, request: Request, given: Parts) -> Response:
    """Send the code to the channel that was chosen, and ask for it."""
    knock = _knock(request, given, token)
    from_our_page(request)
    channel = (await fields_of(request)).get("channel", "")
    with _guesses_counted(request, given):
        door = await pointer_visits.send_code(given.working, knock, channel)
    return page("link_code.html", token=token, door=door, wrong="", digits=CODE_DIGITS)


@router.post("/{token}/open")
async def give_code(token: str, request: Request, given: Parts) -> Response:
    """Take the code; the right one opens the thing to this browser."""
    knock = _knock(request, given, token)
    from_our_page(request)
    code = (await fields_of(request)).get("code", "").strip()
    with _guesses_counted(request, given):
        answer = await pointer_visits.prove(given.sessions, knock, code)
    if answer.value is None:
        wrong = f"That is not the code that counts now. Tries left: {answer.left} of {TRIES}."
        return page("link_code.html", status=403, token=token, door=answer.door, wrong=wrong, digits=CODE_DIGITS)
    opened = RedirectResponse(f"/g/{token}/item", SEE_OTHER, headers=NO_STORE)
    opened.set_cookie(COOKIE, answer.value, path="/", secure=True, httponly=True, samesite="lax")
    return opened


@router.get("/{token}/item")
async def show_item(token: str, request: Request, given: Parts) -> Response:
    """The one thing, as a page."""

    async def item(knock: Knock) -> Response:
        return page("link_item.html", token=token, kind=await pointer_visits.look(given.sessions, knock))

    return await _behind_the_code(token, request, given, item)


@router.get("/{token}/document")
async def read_document(token: str, request: Request, given: Parts) -> Response:
    """Its pages."""

    async def document(knock: Knock) -> Response:
        content = await pointer_visits.document(given.working, knock)
        named = {"Content-Disposition": 'inline; filename="document.pdf"', **NO_STORE}
        return Response(content, media_type="application/pdf", headers=named)

    return await _behind_the_code(token, request, given, document)


@router.post("/{token}/leave")
async def leave(token: str, request: Request, given: Parts) -> Response:
    """Forget this browser, on both sides."""
    knock = _knock(request, given, token)
    from_our_page(request)
    await pointer_visits.leave(given.sessions, knock)
    answer = page("link_message.html", title="You have left", detail="Nothing is left in this window.", request_id="")
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return answer
