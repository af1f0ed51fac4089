"""The page at `/`: one document, the part of it that changes, its style and its script."""

from __future__ import annotations

import base64
from functools import cache
from importlib import resources

import jinja2
from starlette.responses import Response

from auriko.sandbox.errors import GatewayError
from auriko.sandbox.http.operations import Received, Services, operation
from auriko.sandbox.live.view import Shown, current_view

HEADERS = {
    # Nothing is loaded from anywhere else, no markup is trusted, and nobody may frame the page.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
FILES = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}


@operation("GET", "/", access="page", media_type="text/html")
async def page(services: Services, received: Received) -> Response:
    """The live page."""
    return _rendered("page.html", services, received)


@operation("GET", "/sandbox/live", access="page", media_type="text/html")
async def live(services: Services, received: Received) -> Response:
    """What changes on it."""
    return _rendered("live.html", services, received)


@operation("GET", "/sandbox/page.css", access="page", media_type="text/css")
async def style(_: Services, __: Received) -> Response:
    """Its style."""
    return page_file("page.css")


@operation("GET", "/sandbox/page.js", access="page", media_type="text/javascript")
async def script(_: Services, __: Received) -> Response:
    """Its script."""
    return page_file("page.js")


@operation("GET", "/sandbox/icon.svg", access="page", media_type="image/svg+xml")
async def icon(_: Services, __: Received) -> Response:
    """Its icon."""
    return page_file("icon.svg")


PAGES = (page, live, style, script, icon)


def password_as_key(authorization: str | None) -> str | None:
    """The header of a browser that has asked for a password, as that of a client: the password is the key."""
    scheme, _, credentials = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return authorization
    try:
        _, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except ValueError:
        return None
    return f"Bearer {password}"


def ask_for_password(error: GatewayError) -> GatewayError:
    """The refusal of a request, such that a browser asks for a password."""
    if error.info.status == 401:
        error.headers["WWW-Authenticate"] = 'Basic realm="auriko sandbox: the password is the key"'
    return error


def _rendered(template: str, services: Services, received: Received) -> Response:
    url, query = received.request.url, received.request.query_params
    view = current_view(services, f"{url.scheme}://{url.netloc}/v1", Shown.of(query))
    return Response(templates().get_template(template).render(view=view), media_type="text/html", headers=HEADERS)


def page_file(name: str) -> Response:
    """A file of the pages."""
    content = (resources.files("auriko.sandbox.live") / "files" / name).read_bytes()
    return Response(content, media_type=FILES[name], headers=HEADERS)


@cache
def templates() -> jinja2.Environment:
    """The templates of pages, which may ask for no value that is not there."""
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("auriko.sandbox.live", "files"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(usd=_usd, ms=_ms, number=_number)
    return templates


def _usd(amount: float) -> str:
    """Dollars with as many digits as a sum of this size needs."""
    if 0 < amount < 0.000_000_5:
        return "<$0.000001"
    return f"${amount:,.2f}" if amount >= 1 else f"${amount:,.6f}"


def _ms(milliseconds: float | None) -> str:
    """A time in the unit that suits it."""
    if milliseconds is None:
        return "-"
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.2f} s"
    return f"{milliseconds:.0f} ms" if milliseconds >= 100 else f"{milliseconds:.1f} ms"


def _number(amount: float | None) -> str:
    """A count or a rate, with its thousands apart."""
    return "-" if amount is None else f"{amount:,.0f}"
