"""A browser for the tests: keeps cookies as a real one does, follows nothing unless told to."""

from typing import Any

import httpx

from api.console import COOKIE
from tests.api.district import District

HOME = "https://127.0.0.1:8000"


class Browser:
    """One window with its cookies, at one address of the network."""

    def __init__(self, district: District, *, address: str = "10.1.1.1", base: str = HOME) -> None:
        self.district, self.base, self.address = district, base, address
        self.jar = httpx.Cookies()

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(
                app=self.district.app, raise_app_exceptions=False, client=(self.address, 5000)
            )
            async with httpx.AsyncClient(transport=transport, base_url=self.base, cookies=self.jar) as client:
                answer = await client.request(method, path, **more)
                self.jar = client.cookies
                return answer

        return self.district.run(asked())

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("POST", path, **more)

    @property
    def cookie(self) -> str | None:
        """The value of the session's cookie."""
        value = self.jar.get(COOKIE)
        return str(value) if value else None

    def put_cookie(self, value: str) -> None:
        """As somebody would who can write a cookie into this browser."""
        self.jar.delete(COOKIE) if self.cookie else None
        self.jar.set(COOKIE, value, domain="127.0.0.1", path="/")

    def csrf(self) -> str:
        """What the page of this session would send."""
        token: str = self.get("/auth/session").json()["csrf_token"]
        return token

    def location(self, path: str, **more: Any) -> str:
        """Where an answer leads."""
        answer = self.get(path, **more)
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]


__all__ = ["HOME", "Browser"]
