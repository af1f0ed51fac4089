"""A gateway of one's own: in a thread of this process, or in the foreground."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import closing, suppress

from typing_extensions import Self

from auriko.sandbox.accounts.keys import DEFAULT_KEY, Accounts
from auriko.sandbox.accounts.limits import Limits
from auriko.sandbox.addresses import is_loopback
from auriko.sandbox.app import create_app
from auriko.sandbox.catalog.source import Source, make_catalog
from auriko.sandbox.catalog.upstreams import upstream_engines
from auriko.sandbox.engines.base import Engine
from auriko.sandbox.engines.registry import LOADS_SLOWLY, choose_engines
from auriko.sandbox.engines.scripted import Answers, ScriptedEngine, by_model
from auriko.sandbox.faults import Faults
from auriko.sandbox.http.operations import Services
from auriko.sandbox.journal.decisions import DecisionLog
from auriko.sandbox.journal.records import DecisionRecord, Report
from auriko.sandbox.journal.requests import ReceivedRequest, RequestLog
from auriko.sandbox.router.scoring import pick_by_chance
from auriko.sandbox.server import Server, bind
from auriko.sandbox.serving.dispatcher import Dispatcher
from auriko.sandbox.serving.engine_pool import EnginePool
from auriko.sandbox.serving.measurements import Measurements
from auriko.sandbox.serving.prefix_cache import PrefixCache
from auriko.sandbox.serving.runtime import Runtime
from auriko.sandbox.serving.signatures import Signer
from auriko.sandbox.serving.warm_up import measure

_START_SECONDS = 30


class Sandbox:
    """A local gateway that speaks the API over HTTP, as a context manager.

    Each one has its own port, keys, caches and measurements, so several may run at once. It starts once.

    Args:
        port: 0 picks a free one.
        host: Anything but a loopback address needs an `api_key` of your choosing.
        api_key: The only key to accept; None accepts any but `ak_sandbox_invalid`, `_expired` and `_forbidden`.
        engines: What answers: engines, or names of installed ones; None takes all that are installed. Models and
            providers without an engine are not offered.
        upstreams: Servers that speak the OpenAI API, as addresses by the provider's id: each is a provider more. Their
            keys come from the environment, `<ID>_API_KEY` unless the catalogue says otherwise.
        catalog: What is offered, at which price: a TOML file's path or the same as data, added to the catalogue that
            comes along (see `auriko.sandbox.catalog.source`), or a whole `Catalog`.
        answers: What is answered, whoever is chosen: a text, `tool_call(...)` or `ScriptedError(...)`; a list of these,
            one for each request; a dict of any of these by model; or a function of the request (a `Prompt`). A model
            that the dict does not name, or a request for which the function returns None, is left to the engines.
        limits: What each key may do.
        own_keys: Ids of the providers for which the callers have keys of their own (BYOK).
        faults: What goes wrong, as in `429=0.1;retry_after=1` (see `auriko.sandbox.faults`).
        load_balance: How far from the best score providers may be to share the calls, as a share of it: with 0.2, all
            that lack no more than a fifth are chosen by chance, the better the likelier. 0 always takes the best.
        seed: Of the chance with which faults strike and calls are shared.

    Raises:
        PortInUseError: When it is started, and the port is taken.
        UpstreamError: An upstream whose models the catalogue does not name does not list them either.
        ValueError: The host is not a loopback address, and there is no `api_key`; an engine is not installed; a
            fault or the catalogue cannot be read; a model to answer for or the key of an upstream is
            missing; or `load_balance` is no share.
    """

    def __init__(
        self,
        port: int = 0,
        host: str = "127.0.0.1",
        *,
        api_key: str | None = None,
        engines: Iterable[Engine | str] | None = None,
        upstreams: Mapping[str, str] | None = None,
        catalog: Source | None = None,
        answers: Answers | None = None,
        limits: Limits | None = None,
        own_keys: Collection[str] = (),
        faults: Iterable[str] = (),
        load_balance: float = 0.0,
        seed: int = 0,
    ) -> None:
        if not is_loopback(host) and api_key is None:
            raise ValueError(f"Listening on {host} lets others in: choose an api_key.")
        self._host, self._port = host, port
        self.api_key = api_key or DEFAULT_KEY
        offered = make_catalog(catalog, upstreams or {})
        self._engines = EnginePool(choose_engines(engines), upstream_engines(offered))
        self.catalog = offered.running_on(self._engines.names)
        self.answer_with(answers)
        self._measurements = Measurements()
        self._request_log, self._decision_log = RequestLog(), DecisionLog()
        self._faults = Faults(faults, seed)
        self._check_providers(self._faults.providers)
        runtime = Runtime(self._engines, self._measurements, PrefixCache(), Signer(), self._faults)
        pick = pick_by_chance(load_balance, random.Random(seed).random)
        dispatcher = Dispatcher(self.catalog, runtime, frozenset(own_keys), self._decision_log, pick)
        services = Services(
            catalog=self.catalog,
            callable_catalog=self.catalog.callable_with(own_keys),
            dispatcher=dispatcher,
            accounts=Accounts(limits or Limits(), only_key=api_key),
            request_log=self._request_log,
            decision_log=self._decision_log,
            faults=self._faults,
            measurements=self._measurements,
            public_journal=api_key is None,
        )
        self._server = Server(create_app(services), self._engines.aclose)
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()
        self._started = False

    @property
    def base_url(self) -> str:
        """The address for a client, such as `http://127.0.0.1:4010/v1`."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}/v1"

    @property
    def engines(self) -> list[str]:
        """Names of the engines that answer."""
        return self._engines.names

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The requests that have been received, oldest first, without keys."""
        return self._request_log.requests

    @property
    def decisions(self) -> list[DecisionRecord]:
        """The routing of each request, oldest first: scores, measurements, who was dropped and why."""
        return self._decision_log.decisions

    @property
    def report(self) -> Report:
        """The clients' behaviour: requests, connections, statuses, retries, whether Retry-After was honoured."""
        return self._request_log.report()

    def answer_with(self, answers: Answers | None) -> None:
        """From now on, give these answers, as the argument of that name says; None leaves it to the engines again.

        Raises:
            ValueError: A model is not there.
        """
        if answers is not None and by_model(answers):
            answers = {self._canonical(name): each for name, each in answers.items()}
        self._engines.answers = None if answers is None else ScriptedEngine(answers)

    def take_down(self, provider: str, seconds: float | None = None) -> None:
        """Let a provider fail for so many seconds from now, or until `bring_up`.

        Raises:
            ValueError: There is no such provider.
        """
        self._check_providers({provider})
        self._faults.take_down(provider, seconds)

    def bring_up(self, provider: str) -> None:
        """End a provider's outage."""
        self._faults.bring_up(provider)

    def start(self) -> Self:
        """The sandbox itself, serving from a thread of its own."""
        listener = self._listen()
        self._thread = threading.Thread(target=self._serve_from, args=(listener,), name="auriko-sandbox", daemon=True)
        self._thread.start()
        if not self._server.up.wait(_START_SECONDS):
            raise RuntimeError("The sandbox did not start.")
        return self

    def stop(self) -> None:
        """End it, with all its threads and sockets; replies under way are cut. Twice is no error."""
        self._ending.set()
        self._server.end()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._engines.stop()

    def serve(self, on_start: Callable[[Sandbox], None] | None = None) -> None:
        """Serve in the foreground until interrupted.

        Args:
            on_start: Called with the sandbox once its port is bound.
        """
        listener = self._listen()
        if on_start is not None:
            on_start(self)
        for name in self._engines.local:
            if name in LOADS_SLOWLY:
                self._engines.submit(name, self._measure)
        try:
            with suppress(KeyboardInterrupt):
                self._serve_from(listener)
        finally:
            self._ending.set()
            self._engines.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def _canonical(self, name: str) -> str:
        model = self.catalog.find(name)
        if model is None:
            raise ValueError(f"There is no model {name!r} to answer for.")
        return model.id

    def _check_providers(self, names: Collection[str]) -> None:
        known = {provider.id for provider in self.catalog.providers()}
        if unknown := set(names) - known:
            raise ValueError(f"There is no provider {min(unknown)!r}; there are {', '.join(sorted(known))}.")

    def _listen(self) -> socket.socket:
        if self._started:
            raise RuntimeError("A sandbox starts once; make a new one.")
        self._started = True
        for name, engine in self._engines.local.items():
            if name not in LOADS_SLOWLY:
                self._measure(engine)
        listener = bind(self._host, self._port)
        self._port = listener.getsockname()[1]
        return listener

    def _serve_from(self, listener: socket.socket) -> None:
        with closing(listener):  # a server that is told to end before it is up does not do that
            self._server.run([listener])

    def _measure(self, engine: Engine) -> None:
        measure(engine, self.catalog, self._measurements, self._ending)


def serve(
    port: int = 4010,
    host: str = "127.0.0.1",
    *,
    api_key: str | None = None,
    on_start: Callable[[Sandbox], None] | None = None,
) -> None:
    """Serve in the foreground until interrupted, with every engine that is installed.

    `on_start` is called with the sandbox once its port is bound.

    Raises:
        PortInUseError: The port is taken.
        ValueError: The host is not a loopback address, and there is no `api_key`.
    """
    Sandbox(port, host, api_key=api_key).serve(on_start)
