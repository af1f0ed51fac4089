"""Recorders of finished calls, active in a context, and listeners for good."""

from __future__ import annotations

import functools
import inspect
import os
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar, cast
from weakref import WeakSet

from typing_extensions import Self

from auriko.spend._limits import Account, Hold
from auriko.spend._record import CallRecord, CallStart

if TYPE_CHECKING:  # SQLite is imported where it is used
    from auriko.spend._shared_limit import SharedLimit

RecorderT = TypeVar("RecorderT", bound="Recorder")
FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])
OnLimit = Literal["raise", "wait"]
Ended = Callable[[CallRecord], None]
Listener = Callable[[CallStart], Ended | None]

active: Final[ContextVar[tuple[Recorder, ...]]] = ContextVar("auriko_recorders", default=())
listeners: Final[list[Listener]] = []
sources: Final[list[Callable[[], tuple[Recorder, ...]]]] = []
_recorders: Final[WeakSet[Recorder]] = WeakSet()


def add_listener(listener: Listener) -> None:
    """Tells a function of every call of every client in this process, from now on.

    It is called where and when a call starts, in the caller's context, with a `CallStart`. What it returns, unless
    that is None, is called with the `CallRecord` once the call has ended, in whichever thread or task that is.
    What a listener raises is logged once and never fails a call. Adding one twice has no effect.
    """
    if listener not in listeners:
        listeners.append(listener)


def remove_listener(listener: Listener) -> None:
    """Tells a function of no more calls; of those under way it still hears the end."""
    if listener in listeners:
        listeners.remove(listener)


def add_source(source: Callable[[], tuple[Recorder, ...]]) -> None:
    """Asks a function, wherever a call starts, for trackers that are told of it beside those of its context.

    For frameworks whose runs have no context of their own. It must not raise.
    """
    if source not in sources:
        sources.append(source)


class Recorder(ABC):
    """The base of what is told of finished calls: a tracker, or a ledger.

    Attributes:
        tags: Labels that go into the records.
        account: The limit, or None.
        shared_limit: A limit that processes share, or None.
        on_limit: What a call does that there is no room for.
    """

    account: Account | None = None
    shared_limit: SharedLimit | None = None
    on_limit: OnLimit = "raise"

    def __init__(self, tags: Sequence[str]) -> None:
        self.tags = checked_tags(tags)
        self._new_locks()
        _recorders.add(self)

    def _new_locks(self) -> None:  # noqa: B027 - there may be none
        """Makes the locks, also in a forked process, where a thread that is gone may have held the old ones."""

    @abstractmethod
    def add(self, record: CallRecord, hold: Hold | None = None) -> None:
        """Counts one call, and settles what it has held of a limit; one that was counted already counts no more."""

    def active(self) -> SpendBlock[Self]:
        """A block, or a decorator of a function, whose calls are counted here; it may be entered again and again."""
        return SpendBlock(lambda: self, is_shared=True)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


def _new_locks_in_child() -> None:
    for recorder in list(_recorders):
        recorder._new_locks()  # noqa: SLF001 - of the same file  # pyright: ignore[reportPrivateUsage]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_locks_in_child)


def checked_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Labels of records.

    Raises:
        TypeError: They are no list of strings.
    """
    if isinstance(tags, str) or not all(isinstance(tag, str) for tag in tags):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"tags is a list of strings, not {tags!r}")
    return tuple(tags)


class SpendBlock(Generic[RecorderT]):
    """A `with` or `async with` block in which calls are counted, or a decorator that makes each call one.

    The block follows its context: into tasks, into threads that take over their creator's context (as those of
    LangChain, LlamaIndex and `asyncio.to_thread` do), and into generators that it decorates.
    """

    def __init__(self, make: Callable[[], RecorderT], *, is_shared: bool = False) -> None:
        self._make = make
        self._is_shared = is_shared  # `make` gives the same one each time
        self._entered: set[Recorder] = set()

    def __enter__(self) -> RecorderT:
        recorder = self._make()
        self._entered.add(recorder)
        active.set((*active.get(), recorder))
        return recorder

    def __exit__(self, *_error: object) -> None:
        # Not by the token of `set`: blocks inside generators may end in another order than they began, or elsewhere.
        # And by what is active here, since threads and tasks may be inside the same block at once.
        inside = list(active.get())
        for index in reversed(range(len(inside))):
            if (recorder := inside[index]) in self._entered:
                del inside[index]
                active.set(tuple(inside))
                if not self._is_shared:
                    self._entered.discard(recorder)
                return

    async def __aenter__(self) -> RecorderT:
        return self.__enter__()

    async def __aexit__(self, *_error: object) -> None:
        self.__exit__()

    def __call__(self, function: FunctionT) -> FunctionT:
        """The function, each call of it in a block of its own; of a generator, all its steps are in one block."""
        make = self._make

        @functools.wraps(function)
        def plain(*args: Any, **kwargs: Any) -> Any:
            with SpendBlock(make):
                return function(*args, **kwargs)

        @functools.wraps(function)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            with SpendBlock(make):
                return await function(*args, **kwargs)

        @functools.wraps(function)
        def generator(*args: Any, **kwargs: Any) -> Any:
            return _steps(function(*args, **kwargs), make())

        @functools.wraps(function)
        def async_generator(*args: Any, **kwargs: Any) -> Any:
            return _async_steps(function(*args, **kwargs), make())

        kinds: list[tuple[Callable[[Any], bool], Callable[..., Any]]] = [
            (inspect.iscoroutinefunction, coroutine),
            (inspect.isgeneratorfunction, generator),
            (inspect.isasyncgenfunction, async_generator),
        ]
        return cast("FunctionT", next((wrapper for is_kind, wrapper in kinds if is_kind(function)), plain))


def _steps(inner: Generator[Any, Any, Any], recorder: Recorder) -> Generator[Any, Any, Any]:
    """A generator whose own steps, and not those of who iterates over it, are told to the recorder."""
    step: Callable[[], Any] = functools.partial(next, inner)
    while True:
        try:
            with recorder.active():
                item = step()
        except StopIteration as end:
            return end.value
        try:
            step = functools.partial(inner.send, (yield item))
        except GeneratorExit:
            with recorder.active():
                inner.close()
            raise
        except BaseException as error:  # noqa: BLE001 - the inner generator decides
            step = functools.partial(inner.throw, error)


async def _async_steps(inner: AsyncGenerator[Any, Any], recorder: Recorder) -> AsyncGenerator[Any, Any]:
    step: Callable[[], Any] = functools.partial(anext, inner)
    while True:
        try:
            with recorder.active():
                item = await step()
        except StopAsyncIteration:
            return
        try:
            step = functools.partial(inner.asend, (yield item))
        except GeneratorExit:
            with recorder.active():
                await inner.aclose()
            raise
        except BaseException as error:  # noqa: BLE001 - the inner generator decides
            step = functools.partial(inner.athrow, error)
