"""The server of a ledger's page: `auriko spend --serve`."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterator, Sequence
from threading import Lock

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from auriko.sandbox.addresses import host_name, is_loopback
from auriko.sandbox.live.ledger import WINDOWS, Filter, latest_id, ledger_view
from auriko.sandbox.live.pages import FILES, HEADERS, page_file, templates
from auriko.sandbox.server import Server, bind
from auriko.spend import SpendLedger

# Between two readings of a file that grows, so many times as long passes as a reading takes.
_REST = 5.0
_PORTION = 1000


class LedgerPage:
    """The page of one ledger; what it shows is read again when there is something new."""

    def __init__(self, ledger: SpendLedger) -> None:
        self._ledger = ledger
        self._lock = Lock()
        self._rendered: dict[Filter, tuple[str, float, str]] = {}

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/", _for_this_machine(self._page)),
                Route("/ledger", _for_this_machine(self._live)),
                Route("/calls.csv", _for_this_machine(self._csv)),
                *(Route(f"/sandbox/{name}", _file) for name in FILES),
            ]
        )

    def _page(self, _request: Request) -> Response:
        # Without what takes time to add up, which is asked for at once.
        return Response(templates().get_template("ledger_page.html").render(), media_type="text/html", headers=HEADERS)

    def _live(self, request: Request) -> Response:
        return Response(self._current(Filter.of(request.query_params)), media_type="text/html", headers=HEADERS)

    def _current(self, chosen: Filter) -> str:
        with self._lock:
            newest = latest_id(self._ledger)
            known = self._rendered.get(chosen)
            if known is not None and (known[0] == newest or time.monotonic() < known[1]):
                return known[2]
            began = time.monotonic()
            view = ledger_view(self._ledger, chosen)
            text = templates().get_template("ledger.html").render(view=view, windows=WINDOWS)
            now = time.monotonic()
            self._rendered = {chosen: (newest, now + _REST * (now - began), text)}
            return text

    def _csv(self, request: Request) -> Response:
        where, values = Filter.of(request.query_params).condition(time.time())

        def lines() -> Iterator[str]:
            # In portions, since each may be asked for in another thread, into which no connection can be taken.
            query = f"SELECT * FROM calls WHERE {where} AND id > ? ORDER BY id LIMIT {_PORTION}"  # noqa: S608
            latest = ""
            while True:
                with self._ledger.reading() as database:
                    found = database.execute(query, [*values, latest])
                    names = [column[0] for column in found.description]
                    rows = found.fetchall()
                if not latest:
                    yield _line(names)
                if not rows:
                    return
                yield "".join(map(_line, rows))
                latest = rows[-1][names.index("id")]

        headers = {**HEADERS, "Content-Disposition": 'attachment; filename="calls.csv"'}
        return StreamingResponse(lines(), media_type="text/csv", headers=headers)


def serve(ledger: SpendLedger, port: int, on_start: Callable[[str], None]) -> None:
    """Serves the ledger's page on this machine until it is interrupted; `on_start` is told its address.

    Raises:
        PortInUseError: The port is taken.
    """
    listener = bind("127.0.0.1", port)
    on_start(f"http://127.0.0.1:{listener.getsockname()[1]}/")

    async def nothing() -> None:
        pass

    Server(LedgerPage(ledger).app(), nothing).run(sockets=[listener])


def _for_this_machine(page: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """The page for those who ask for this machine by name: another site could have a name of its own lead here."""

    def answer(request: Request) -> Response:
        if not is_loopback(host_name(request.headers.get("host", "localhost"))):
            return PlainTextResponse("This page answers to 127.0.0.1 and localhost alone.", 403, headers=HEADERS)
        return page(request)

    return answer


def _file(request: Request) -> Response:
    return page_file(request.scope["path"].rpartition("/")[2])


def _line(values: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()
