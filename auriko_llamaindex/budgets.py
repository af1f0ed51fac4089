"""A budget for runs of agents, whose numbers the run's `Context` keeps."""

# LlamaIndex's workflows have bare containers in their types.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import asyncio
from typing import Any, Final, Literal

from llama_index.core.workflow import Context, Workflow
from typing_extensions import override
from workflows.handler import WorkflowHandler

from auriko import SpendTracker
from auriko.spend import CallRecord, add_usd, checked_limit

__all__ = ["AurikoBudget"]

_SPENT: Final = "auriko_spent_usd"
_BEGAN: Final = "auriko_run_began_usd"
_CALL: Final = "auriko_call_usd"


class _KeptTracker(SpendTracker):
    """A tracker that writes into a context what has been spent, after every call."""

    def __init__(
        self, limit_usd: float, ctx: Context[Any], before: float, began: float, expected: float | None
    ) -> None:
        super().__init__(limit_usd, already_spent_usd=add_usd(before, -began), expected_usd=expected)
        self._ctx = ctx
        self._before = before
        self._loop = asyncio.get_running_loop()
        self._writing: set[asyncio.Task[None]] = set()

    @override
    def add(self, record: CallRecord, hold: Any = None) -> None:
        super().add(record, hold)
        # Calls may end in any thread.
        self._loop.call_soon_threadsafe(self._write, record.usd)

    def _write(self, call_usd: float | None) -> None:
        task = self._loop.create_task(self._store(call_usd))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _store(self, call_usd: float | None) -> None:
        await self._ctx.store.set(_SPENT, add_usd(add_usd(self._before, self.usd), self.estimated_usd))
        if call_usd is not None:
            await self._ctx.store.set(_CALL, call_usd)


class AurikoBudget:
    """Keeps what a run of an agent costs under a limit; a call for which there is no room raises.

        budget = AurikoBudget(limit_usd=0.05)
        handler = await budget.run(agent, user_msg="What is the weather in Oslo?", ctx=ctx)
        output = await handler  # or raises BudgetExceededError

    What has been spent is kept in the context as plain numbers, so that a run goes on with its budget after
    `Context.from_dict(agent, ctx.to_dict())`. A state model of your own needs the fields `auriko_spent_usd`,
    `auriko_run_began_usd` and `auriko_call_usd`, floats that are 0 at first.

    Query engines, chat engines and ingestion pipelines have no context: `with track_spend(limit_usd=...)` around them.

    Args:
        limit_usd: The limit, in USD.
        scope: "run" begins anew with each run; "context" counts all runs with the same context.

    Raises:
        ValueError: The limit is negative or no number, or there is no such scope.
        TypeError: The limit is no number.
    """

    def __init__(self, limit_usd: float, *, scope: Literal["run", "context"] = "run") -> None:
        if scope not in ("run", "context"):
            raise ValueError(f'scope is "run" or "context", not {scope!r}')
        self.limit_usd = checked_limit(limit_usd)
        self.scope = scope

    async def run(self, agent: Workflow, *, ctx: Context[Any] | None = None, **arguments: Any) -> WorkflowHandler:
        """The handler of a run, as `agent.run` gives it; `handler.ctx` has the context.

        Args:
            agent: An agent, an `AgentWorkflow`, or any other workflow.
            ctx: Its context; one that was restored in the middle of a run goes on with that run's budget.
            **arguments: As for `agent.run`.
        """
        ctx = ctx if ctx is not None else Context(agent)
        goes_on = ctx.is_running
        spent: float = await ctx.store.get(_SPENT, default=0.0)
        began: float = 0.0
        if self.scope == "run":
            began = await ctx.store.get(_BEGAN, default=0.0) if goes_on else spent
            await ctx.store.set(_BEGAN, began)
        expected: float | None = await ctx.store.get(_CALL, default=None)
        tracker = _KeptTracker(self.limit_usd, ctx, spent, began, expected or None)
        with tracker.active():
            return agent.run(ctx=ctx, **arguments)
