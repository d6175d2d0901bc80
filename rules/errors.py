"""Errors that say who can fix them.

DomainError                    something the caller can understand and act on
├── NotFound       (404)       the thing named does not exist, or is not the caller's to see
├── Conflict       (409)       the thing has moved on: look again, then decide
├── Forbidden      (403)       the caller may not; the reason says why and who may
├── Invalid        (422)       the input is wrong; `fields` name each place and what to do
└── Unavailable    (503)       a part is down; try again with the same key

Messages say what happened, which id, and what to do; they never hold a person's name.
"""

from typing import ClassVar


class DomainError(Exception):
    """Base of all errors a person can act on; `code` is stable and documented, `fields` name places in the input."""

    status: ClassVar[int] = 500

    def __init__(self, code: str, message: str, *, fields: dict[str, str] | None = None, **extra: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fields = fields or {}
        self.extra = extra


class NotFound(DomainError):
    """The thing named does not exist, or is not the caller's to see."""

    status = 404


class Conflict(DomainError):
    """The thing has moved on since the caller looked; `extra` holds its present state."""

    status = 409


class Forbidden(DomainError):
    """The caller may not; the message says why and who may."""

    status = 403


class Invalid(DomainError):
    """The input is wrong; `fields` name each place and what to do."""

    status = 422


class Unavailable(DomainError):
    """A part is down for now; the same request may be sent again with the same key."""

    status = 503
