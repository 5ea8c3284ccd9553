"""The door: who is let in, with how much, and what a browser may do with what it is given.

A page of somebody else can make a browser send requests to this machine (DNS rebinding lets it even read the
answers), so a request must be for a name of this machine and from a page of it.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import socket
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from strangers.web.errors import RequestError, answer

MOST_JSON = 2**22
MOST_UPLOAD = 20 * 2**20
"""Bytes of a request's body, for /api/invert and for all others."""

MOST_AT_ONCE = 256
MOST_UPLOADS = 4
"""Requests answered at the same time, slow readers included, and photographs that are on their way."""

PATIENCE = 30
"""Seconds in which a body must have come."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True)
class Token:
    """What opens the API, and the cookie that a browser has for it: made of the token, but not it."""

    text: str

    def opens(self, given: str) -> bool:
        """Whether this is the token, in a time that does not tell how much of it is right."""
        return hmac.compare_digest(given.encode(errors="replace"), self.text.encode(errors="replace"))

    @property
    def cookie(self) -> tuple[str, str]:
        """Name and value; the name tells apart the cookies of two servers on one machine."""
        digest = hmac.digest(self.text.encode(errors="replace"), b"strangers page", "sha256").hex()
        return f"strangers-{digest[:8]}", digest[8:]

    def is_in(self, headers: Headers) -> bool:
        """Whether a request's headers have the token, or the cookie."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.opens(given.strip()):
            return True
        name, value = self.cookie
        try:
            sent = SimpleCookie(headers.get("cookie", "")).get(name)
        except CookieError:
            return False
        return sent is not None and hmac.compare_digest(sent.value.encode(errors="replace"), value.encode())


class RequestGuard:
    """Lets requests through to the app, or refuses them in a sentence."""

    def __init__(self, app: ASGIApp, host: str, token: str | None) -> None:
        self.app = app
        self.token = Token(token) if token else None
        self.only_here = is_loopback(host)
        self.at_once = self.uploads = 0
        self.names = {"localhost", host.lower()} | (set() if self.only_here else _own_names())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            last = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send({**message, "more_body": True} if last else message)
            if last:  # told apart, for the server waits between two messages until the first has been read
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        self.at_once += 1
        try:
            self._check(scope)
            body = await self._read(scope, receive)
        except RequestError as refused:
            await answer(refused.status, str(refused), refused.headers)(scope, receive, send_safely)
        else:
            if body is not None:
                await self.app(scope, _given(body, receive), send_safely)
        finally:
            self.at_once -= 1

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        """The request's body, within its bounds; None if the client has gone."""
        if scope["path"] != "/api/invert":
            return await _read(scope, receive, MOST_JSON)
        if self.uploads >= MOST_UPLOADS:
            sentence = "Too many photographs are on their way; try again."
            raise RequestError(429, sentence, {"Retry-After": "5", "Connection": "close"})
        self.uploads += 1
        try:
            return await _read(scope, receive, MOST_UPLOAD)
        finally:
            self.uploads -= 1

    def _check(self, scope: Scope) -> None:
        if self.at_once > MOST_AT_ONCE:
            raise RequestError(429, "Too many ask at the same time; try again.", {"Retry-After": "1"})
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        host = hosts[0].lower() if len(hosts) == 1 else ""
        if not self._is_own(host):
            raise RequestError(
                403, f"{host[:100]!r} is not this server's name: open it by the address that it printed."
            )
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in (f"http://{host}", f"https://{host}"):
            raise RequestError(403, f"Pages of {origin[:100]} may not use this server.")
        elsewhere = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        if elsewhere and headers.get("sec-fetch-mode") != "navigate":
            raise RequestError(403, "Pages of other sites may not use this server.")
        guarded = scope["path"].startswith("/api/") and scope["path"] != "/api/session"
        if self.token and guarded and not self.token.is_in(headers):
            sentence = "This server asks for its token, the one that it was started with."
            raise RequestError(401, sentence, {"WWW-Authenticate": "Bearer"})

    def _is_own(self, host: str) -> bool:
        """Whether a Host header names this machine. Only a name can be rebound, an address cannot."""
        name = _without_port(host)
        if name in self.names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or not self.only_here


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server at `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _own_names() -> set[str]:
    return {name.lower() for name in (socket.gethostname(), socket.getfqdn()) if name}


def _without_port(host: str) -> str:
    """The name or address in a Host header: "[::1]:8000" is "::1"."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


async def _read(scope: Scope, receive: Receive, most: int) -> bytes | None:
    """The request's body, of at most so many bytes; None if the client has gone."""
    too_much = RequestError(413, f"At most {most // 2**20} MiB may be sent here.", {"Connection": "close"})
    declared = Headers(scope=scope).get("content-length", "0")
    if not declared.isdecimal() or len(declared) > 12 or int(declared) > most:
        raise too_much
    parts, size = [], 0
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > most:
                    raise too_much
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        sentence = f"The request did not come within {PATIENCE} seconds."
        raise RequestError(408, sentence, {"Connection": "close"}) from None


def _given(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body that was read, and then what comes after it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return messages.pop() if messages else await receive()

    return next_message
