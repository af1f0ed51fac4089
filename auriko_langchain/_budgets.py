"""Runs of agents under a budget: which calls belong to one, and what of their cost the graph's state has not been told.

LangGraph runs every node in a context of its own, so that nothing that a middleware sets there reaches the others. What
all nodes of a run share, those of agents inside its tools too, is the control of its runtime; by that, and by the place
of the agent's graph in the run, a call anywhere finds the budgets that it is under.
"""

# langgraph has types but not in all of its packages the marker for them:
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import set_config_context
from langgraph.runtime import get_runtime

from auriko import SpendTracker
from auriko.spend import CallRecord, Recorder, add_source, add_usd

_MOST_RUNS: Final = 10_000  # of which nobody has told the end, as of those that failed


class Place(NamedTuple):
    """Where in which run a node is.

    Attributes:
        control: What all nodes of the run share, or None where LangGraph does not tell.
        path: The graphs around the node, the outermost first, each by the node that it is in.
        thread: The thread's id, or None without a checkpointer.
    """

    control: Any
    path: tuple[str, ...]
    thread: str | None


def place_of(runtime: Any) -> Place:
    """The place of a node with this runtime."""
    info = getattr(runtime, "execution_info", None)
    namespace: str = getattr(info, "checkpoint_ns", None) or ""
    return Place(_control(runtime), tuple(namespace.split("|")[:-1]), getattr(info, "thread_id", None))


def _control(runtime: Any) -> Any:
    """What all nodes of a run share; LangGraph has it since 1.2."""
    return getattr(runtime, "control", None)


class _Counting(Recorder):
    """Tells a tracker of calls that its limit does not refuse."""

    def __init__(self, tracker: SpendTracker) -> None:
        self._tracker = tracker
        super().__init__(tracker.tags)

    def add(self, record: CallRecord, hold: Any = None) -> None:  # noqa: ARG002 - it holds nothing
        """Counts one call; one that the tracker was told of already is not counted again."""
        self._tracker.add(record)


class Run:
    """One run of an agent under a budget, as far as this process has seen it.

    Attributes:
        tracker: What counts its calls.
        place: The agent's.
        elsewhere: What calls are told to that the agent's own nodes do not make.
    """

    def __init__(self, tracker: SpendTracker, place: Place, untold_usd: float, *, strict: bool) -> None:
        self.tracker = tracker
        self.place = place
        # A call of another middleware that was refused would fail the run, in place of ending it with a message.
        self.elsewhere: Recorder = tracker if strict else _Counting(tracker)
        self._before = untold_usd
        self._told = 0.0

    def take_untold(self) -> float:
        """What was spent, in USD, since this was asked before, to be added to the state."""
        with _lock:
            spent = add_usd(add_usd(self.tracker.usd, self.tracker.estimated_usd), self._before)
            untold, self._told = add_usd(spent, -self._told), spent
        return untold


_lock: Final = threading.Lock()
# By the control of the run, and by the place and the middleware of the agent in it.
_runs: Final[OrderedDict[int, dict[tuple[tuple[str, ...], object], Run]]] = OrderedDict()


def run_of(place: Place, owner: object, make: Callable[[float], Run]) -> Run:
    """The run of an agent at this place, which is made if this process has not seen it.

    Args:
        place: The place of the agent's node that asks.
        owner: The middleware.
        make: Makes it, given what earlier runs of the thread have spent and not written into its state.
    """
    if place.control is None:
        return make(0.0)
    agents = _runs.get(id(place.control))
    run = agents.get((place.path, owner)) if agents is not None else None
    if run is None:
        run = make(_left_untold(place, owner))
        _runs.setdefault(id(place.control), {})[place.path, owner] = run
        if len(_runs) > _MOST_RUNS:
            _runs.popitem(last=False)
    return run


def _left_untold(place: Place, owner: object) -> float:
    """What runs of the same thread, which have failed or been interrupted, could not write into the state."""
    if place.thread is None:
        return 0.0
    left = 0.0
    for agents in list(_runs.values()):
        run = agents.get((place.path, owner))
        if run is not None and run.place.thread == place.thread:
            left = add_usd(left, run.take_untold())
            forget(run.place, owner)
    return left


def forget(place: Place, owner: object) -> None:
    """Forgets a run that has ended."""
    agents = _runs.get(id(place.control), {})
    agents.pop((place.path, owner), None)
    if not agents:
        _runs.pop(id(place.control), None)


def place_here() -> Place:
    """The place of the node that this is in; without a control outside of all graphs."""
    try:
        return place_of(get_runtime())
    except (RuntimeError, KeyError):
        return Place(None, (), None)


def place_with(request: Any) -> Place:
    """The place of the node that runs this tool, which async code does not find by itself before Python 3.11."""
    config: RunnableConfig = request.runtime.config
    with set_config_context(config) as context:
        return context.run(place_here)


def recorders_here() -> tuple[Recorder, ...]:
    """What a call that starts here is told to: the runs that it is a part of."""
    if not _runs:
        return ()
    place = place_here()
    agents = _runs.get(id(place.control), {})
    return tuple(run.elsewhere for (path, _), run in list(agents.items()) if path == place.path[: len(path)])


add_source(recorders_here)
