"""The request guard: host, origin, token and size checks, and the security headers of every response.

A foreign page can make a browser send requests to this machine, and DNS rebinding lets it read the responses.
A request must therefore name this machine in Host, and come from a page of this server.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from strangers.web.errors import RequestError, error_response

MAX_JSON_BYTES = 2**20
"""Size of a JSON body. 256 latents fit; parsing them takes about 50 ms, for which other requests wait."""

MAX_UPLOAD_BYTES = 20 * 2**20
"""Size of a photograph sent to /api/invert."""

MAX_CONCURRENT_REQUESTS = 256
"""Requests in progress, those of slow readers included."""

MAX_CONCURRENT_UPLOADS = 4
"""Photographs being received."""

BODY_TIMEOUT = 30
"""Seconds in which the body of a request must arrive."""

POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
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
    """The token that opens the API, and the cookie derived from it."""

    text: str

    def matches(self, text: str) -> bool:
        """Compare a text with the token in constant time."""
        return hmac.compare_digest(text.encode(errors="replace"), self.text.encode(errors="replace"))

    @property
    def cookie(self) -> tuple[str, str]:
        """Name and value. The name differs between two servers on one machine."""
        digest = hmac.digest(self.text.encode(errors="replace"), b"strangers page", "sha256").hex()
        return f"strangers-{digest[:8]}", digest[8:]

    def is_in(self, headers: Headers) -> bool:
        """Return True if a request carries the token or the cookie."""
        scheme, _, text = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.matches(text.strip()):
            return True
        name, value = self.cookie
        try:
            sent = SimpleCookie(headers.get("cookie", "")).get(name)
        except CookieError:
            return False
        return sent is not None and hmac.compare_digest(sent.value.encode(errors="replace"), value.encode())


class RequestGuard:
    """ASGI middleware that passes a request to the app or returns an error."""

    def __init__(self, app: ASGIApp, host: str, token: str | None, allowed_hosts: Sequence[str] = ()) -> None:
        self.app = app
        self.token = Token(token) if token else None
        self.loopback_only = is_loopback(host)
        self.requests = self.uploads = 0
        own = set() if self.loopback_only else _host_names()
        self.names = {"localhost", host.lower(), *own, *(name.lower() for name in allowed_hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        api = scope["path"].startswith("/api/")

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store" if api else "no-cache")
            last = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send({**message, "more_body": True} if last else message)
            if last:  # sent apart: the server waits between two messages until the first is read
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        self.requests += 1
        try:
            self._check(scope)
            body = await self._read(scope, receive)
        except RequestError as error:
            await error_response(error.status, str(error), error.headers)(scope, receive, send_safely)
        else:
            if body is not None:
                # Ranges are optional, and Starlette answers a malformed one in plain text.
                headers = [header for header in scope["headers"] if header[0] != b"range"]
                await self.app({**scope, "headers": headers}, _replay(body, receive), send_safely)
        finally:
            self.requests -= 1

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        """Read the body within its bounds. Return None if the client has disconnected."""
        if scope["path"] != "/api/invert":
            return await _read(scope, receive, MAX_JSON_BYTES)
        if self.uploads >= MAX_CONCURRENT_UPLOADS:
            message = "Too many photographs are being received; try again."
            raise RequestError(429, message, {"Retry-After": "5", "Connection": "close"})
        self.uploads += 1
        try:
            return await _read(scope, receive, MAX_UPLOAD_BYTES)
        finally:
            self.uploads -= 1

    def _check(self, scope: Scope) -> None:
        if self.requests > MAX_CONCURRENT_REQUESTS:
            raise RequestError(429, "Too many requests at the same time; try again.", {"Retry-After": "1"})
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        host = hosts[0].lower() if len(hosts) == 1 else ""
        if not self._is_known(host):
            raise RequestError(
                403,
                f"{host[:100]!r} is not a name of this server. Open the address that it printed, or start it "
                "with --allow-host NAME.",
            )
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in (f"http://{host}", f"https://{host}"):
            raise RequestError(403, f"Pages of {origin[:100]} may not use this server.")
        foreign = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        if foreign and headers.get("sec-fetch-mode") != "navigate":
            raise RequestError(403, "Pages of other sites may not use this server.")
        protected = scope["path"].startswith("/api/") and scope["path"] != "/api/session"
        if self.token and protected and not self.token.is_in(headers):
            message = "This server requires the token that it was started with."
            raise RequestError(401, message, {"WWW-Authenticate": "Bearer"})

    def _is_known(self, host: str) -> bool:
        """Return True if a Host header names this server. Only a name can be rebound; an address cannot."""
        name = _without_port(host)
        if name in self.names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or not self.loopback_only


def is_loopback(host: str) -> bool:
    """Return True if only this machine can reach a server at `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _host_names() -> set[str]:
    return {name.lower() for name in (socket.gethostname(), socket.getfqdn()) if name}


def _without_port(host: str) -> str:
    """Return the name or address in a Host header: "::1" for "[::1]:8000"."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


async def _read(scope: Scope, receive: Receive, limit: int) -> bytes | None:
    """Read a body of at most `limit` bytes. Return None if the client has disconnected."""
    too_large = RequestError(
        413, f"A request here may have at most {limit // 2**20} MiB.", {"Connection": "close"}
    )
    declared = Headers(scope=scope).get("content-length", "0")
    if not declared.isdecimal() or len(declared) > 12 or int(declared) > limit:
        raise too_large
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > limit:
                    raise too_large
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        text = f"The body of the request did not arrive within {BODY_TIMEOUT} seconds."
        raise RequestError(408, text, {"Connection": "close"}) from None


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that yields the body already read, then the messages after it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return messages.pop() if messages else await receive()

    return next_message
