"""Middleware for agents of `langchain.agents.create_agent`: a budget, and routing by turn."""


# langgraph has types but not in all of its packages the marker for them:
# pyright: reportMissingTypeStubs=false

try:
    import langchain.agents as _agents
except ImportError as error:
    raise ImportError(
        "auriko_langchain.middleware needs the package langchain, which is not installed: pip install langchain"
    ) from error

import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Literal

from langchain.agents.middleware import AgentMiddleware, AgentState, ModelRequest, ModelResponse
from langchain.agents.middleware.types import ExtendedModelResponse, PrivateStateAttr, ToolCallRequest
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.runnables import RunnableBinding
from langgraph.runtime import Runtime
from langgraph.types import Command, interrupt
from typing_extensions import NotRequired

from auriko import BudgetExceededError, RoutingOptions, SpendTracker
from auriko.routing import merge_gateway
from auriko.spend import add_usd, checked_limit, usd_text
from auriko_langchain._budgets import Place, Run, forget, place_of, place_with, run_of
from auriko_langchain._invalid_calls import AurikoInvalidCallMiddleware
from auriko_langchain.chat_models import ChatAuriko

del _agents

__all__ = [
    "AurikoBudgetMiddleware",
    "AurikoBudgetState",
    "AurikoInvalidCallMiddleware",
    "AurikoRoutingMiddleware",
    "Route",
]

# Tasks take no context before.
_CAN_ASK_IN_ASYNC_CODE = sys.version_info >= (3, 11)


class AurikoBudgetState(AgentState[Any]):
    """An agent's state with what its model calls have cost: plain numbers, which checkpoints keep.

    Attributes:
        auriko_spent_usd: What the thread has spent; nodes that run at once add to it.
        auriko_run_began_usd: What it had spent when the present run began.
        auriko_limit_usd: The limit that a person has allowed.
        auriko_call_usd: What the last call of the model cost.
    """

    auriko_spent_usd: NotRequired[Annotated[float, PrivateStateAttr, add_usd]]
    auriko_run_began_usd: NotRequired[Annotated[float, PrivateStateAttr]]
    auriko_limit_usd: NotRequired[Annotated[float, PrivateStateAttr]]
    auriko_call_usd: NotRequired[Annotated[float, PrivateStateAttr]]


class AurikoBudgetMiddleware(AgentMiddleware[AurikoBudgetState, Any, Any]):
    """Keeps what a run of an agent, or a thread, costs under a limit.

    Everything counts that the run spends anywhere: its model calls, those of agents and clients inside its tools, of
    other middleware such as summaries, and of answers that had to be made again. A call for which there is no room
    is not sent. A run that is resumed goes on with its budget.

    Args:
        limit_usd: The limit, in USD.
        exit_behavior: What happens at the limit. "end" ends the run with a message that says so; "error" raises;
            "ask" interrupts the run, which goes on when it is resumed with a new limit in USD, and ends when it is
            resumed with anything else. It needs a checkpointer, and in async code Python 3.11.
        scope: "run" begins anew with each input; "thread" counts all runs of a thread.

    Raises:
        AurikoBudgetExceededError: In the run, with `exit_behavior="error"`.
    """

    state_schema = AurikoBudgetState

    def __init__(
        self,
        limit_usd: float,
        *,
        exit_behavior: Literal["end", "error", "ask"] = "end",
        scope: Literal["run", "thread"] = "run",
    ) -> None:
        super().__init__()
        if exit_behavior not in ("end", "error", "ask"):
            raise ValueError(f'exit_behavior is "end", "error" or "ask", not {exit_behavior!r}')
        if scope not in ("run", "thread"):
            raise ValueError(f'scope is "run" or "thread", not {scope!r}')
        self.limit_usd = checked_limit(limit_usd)
        self.exit_behavior = exit_behavior
        self.scope = scope

    def before_agent(self, state: AurikoBudgetState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Notes where the run's budget begins."""
        untold = self._run(state, place_of(runtime), begins=True).take_untold()
        began = add_usd(state.get("auriko_spent_usd", 0.0), untold)
        allowed = {"auriko_limit_usd": 0.0} if self.scope == "run" else {}
        return {"auriko_spent_usd": untold, "auriko_run_began_usd": began, **allowed}

    async def abefore_agent(self, state: AurikoBudgetState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Notes where the run's budget begins."""
        if self.exit_behavior == "ask" and not _CAN_ASK_IN_ASYNC_CODE:
            raise RuntimeError(
                'AurikoBudgetMiddleware(exit_behavior="ask") needs Python 3.11 in async code, where LangGraph cannot '
                "interrupt a run before that; call the agent's invoke or stream instead"
            )
        return self.before_agent(state, runtime)

    def after_agent(self, state: AurikoBudgetState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Notes what has been spent since the last call of the model."""
        untold = self._run(state, place_of(runtime)).take_untold()
        forget(place_of(runtime), self)
        return {"auriko_spent_usd": untold}

    async def aafter_agent(self, state: AurikoBudgetState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Notes what has been spent since the last call of the model."""
        return self.after_agent(state, runtime)

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> Any:
        """Makes the call if there is room for it."""
        run = self._run(request.state, place_of(request.runtime))
        while True:
            try:
                with run.tracker.active():
                    response = handler(request)
            except BudgetExceededError as error:
                if (response := self._at_limit(run, error)) is None:  # type: ignore[assignment]
                    continue
            return self._told(run, response)

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> Any:
        """Makes the call if there is room for it."""
        run = self._run(request.state, place_of(request.runtime))
        while True:
            try:
                with run.tracker.active():
                    response = await handler(request)
            except BudgetExceededError as error:
                if (response := self._at_limit(run, error)) is None:  # type: ignore[assignment]
                    continue
            return self._told(run, response)

    def wrap_tool_call(self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Any]) -> Any:
        """Runs a tool, whose calls count; one that is stopped by the limit has that as its result."""
        run = self._run(request.state, place_with(request))
        try:
            with run.tracker.active():
                return self._tool_told(run, handler(request))
        except BudgetExceededError as error:
            return self._tool_told(run, self._tool_at_limit(run, request, error))

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[Any]]
    ) -> Any:
        """Runs a tool, whose calls count; one that is stopped by the limit has that as its result."""
        run = self._run(request.state, place_with(request))
        try:
            with run.tracker.active():
                return self._tool_told(run, await handler(request))
        except BudgetExceededError as error:
            return self._tool_told(run, self._tool_at_limit(run, request, error))

    def _run(self, state: Any, place: Place, *, begins: bool = False) -> Run:
        def make(untold: float) -> Run:
            spent = state.get("auriko_spent_usd", 0.0)
            if self.scope == "run":
                spent = 0.0 if begins else add_usd(spent, -state.get("auriko_run_began_usd", 0.0))
            if not begins or self.scope == "thread":
                spent = add_usd(spent, untold)
            allowed = 0.0 if begins and self.scope == "run" else state.get("auriko_limit_usd", 0.0)
            limit = max(self.limit_usd, allowed)
            # Deltas of a fork may be less than what its run began with.
            expected = state.get("auriko_call_usd")
            tracker = SpendTracker(limit, already_spent_usd=max(spent, 0.0), expected_usd=expected)
            return Run(tracker, place, untold, strict=self.exit_behavior == "error")

        return run_of(place, self, make)

    def _at_limit(self, run: Run, error: BudgetExceededError) -> ModelResponse[Any] | None:
        """The answer in the place of the model's, or None where the call may be made again.

        Raises:
            AurikoBudgetExceededError: That is wanted, or it is not this limit that was reached.
        """
        if error.limit_usd != run.tracker.limit_usd or self.exit_behavior == "error":
            raise error
        text = self._text(error)
        if self.exit_behavior == "ask":
            allowed: Any = interrupt({"message": text, "limit_usd": error.limit_usd, "spent_usd": error.spent_usd})
            is_amount = isinstance(allowed, (int, float)) and not isinstance(allowed, bool)
            if is_amount and allowed > error.limit_usd:
                run.tracker.limit_usd = float(allowed)
                return None
        return ModelResponse(result=[AIMessage(text)])

    def _tool_at_limit(self, run: Run, request: ToolCallRequest, error: BudgetExceededError) -> ToolMessage:
        if error.limit_usd != run.tracker.limit_usd or self.exit_behavior == "error":
            raise error
        call = request.tool_call
        return ToolMessage(self._text(error), tool_call_id=call["id"], name=call["name"], status="error")

    def _text(self, error: BudgetExceededError) -> str:
        return (
            f"The budget of {usd_text(error.limit_usd)} for this {self.scope} is spent: {usd_text(error.spent_usd)} so "
            f"far, and the next call may cost {usd_text(error.needed_usd)}."
        )

    def _told(self, run: Run, response: Any) -> ExtendedModelResponse[Any]:
        """The response, with what has been spent for the state."""
        update = {"auriko_spent_usd": run.take_untold()}
        if (limit := run.tracker.limit_usd or 0.0) > self.limit_usd:
            update["auriko_limit_usd"] = limit
        known = [record.usd for record in run.tracker.records if record.usd is not None]
        if known:
            update["auriko_call_usd"] = known[-1]
        return ExtendedModelResponse(model_response=response, command=Command(update=update))

    @staticmethod
    def _tool_told(run: Run, result: Any) -> Any:
        """The tool's result, with what it has spent for the state; beside a command of its own the next call tells."""
        if isinstance(result, ToolMessage) and (untold := run.take_untold()):
            return Command(update={"messages": [result], "auriko_spent_usd": untold})
        return result


Options = RoutingOptions | Mapping[str, Any]
Route = Callable[[ModelRequest[Any]], Options | None]


class AurikoRoutingMiddleware(AgentMiddleware[AgentState[Any], Any, Any]):
    """Routes every turn of an agent on its own: cheap for tool calls, quick for the answer, or as you like.

        AurikoRoutingMiddleware(lambda request: {"optimize": "ttft"} if len(request.messages) > 4 else None)

    Args:
        route: Routing options for every turn, or a function that has the turn's request and returns some or None.
            They are merged over the model's own.
    """

    def __init__(self, route: Options | Route) -> None:
        super().__init__()
        self.route = route

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """Makes the call with this turn's routing."""
        return handler(self._routed(request))

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        """Makes the call with this turn's routing."""
        return await handler(self._routed(request))

    def _routed(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        options = self.route(request) if callable(self.route) else self.route
        model: Any = request.model
        while isinstance(model, RunnableBinding):  # as of `model.bind(temperature=0)`
            model = model.bound  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        # A fallback middleware may have put another model in its place, which knows nothing of routing.
        if options is None or not isinstance(model, ChatAuriko):
            return request
        given: Any = request.model_settings.get("routing") or {}
        routing = merge_gateway({"routing": given}, {"routing": options})["routing"]
        return request.override(model_settings={**request.model_settings, "routing": routing})
