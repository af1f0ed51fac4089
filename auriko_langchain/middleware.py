"""Middleware for agents of `langchain.agents.create_agent`: a budget, and routing by turn."""

# ruff: noqa: ARG002 - the hooks' arguments are langchain's
# langgraph has types but not in all of its packages the marker for them:
# pyright: reportMissingTypeStubs=false

try:
    import langchain.agents as _agents
except ImportError as error:
    raise ImportError(
        "auriko_langchain.middleware needs the package langchain, which is not installed: pip install langchain"
    ) from error

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Literal, cast

from langchain.agents.middleware import AgentMiddleware, AgentState, ModelRequest, ModelResponse, hook_config
from langchain.agents.middleware.types import PrivateStateAttr
from langchain_core.messages import AIMessage
from langgraph.channels.untracked_value import UntrackedValue
from langgraph.runtime import Runtime
from typing_extensions import NotRequired

from auriko import RoutingOptions, SpendTracker
from auriko.routing import merge_gateway
from auriko.spend import checked_limit
from auriko_langchain._invalid_calls import AurikoInvalidCallMiddleware
from auriko_langchain.chat_models import ChatAuriko
from auriko_langchain.errors import AurikoBudgetExceededError

del _agents

__all__ = [
    "AurikoBudgetMiddleware",
    "AurikoBudgetState",
    "AurikoInvalidCallMiddleware",
    "AurikoRoutingMiddleware",
    "Route",
]


class AurikoBudgetState(AgentState[Any]):
    """An agent's state, with what counts the calls of the present run."""

    # Untracked: it begins anew with every run, and is not part of checkpoints.
    auriko_spend: NotRequired[Annotated[SpendTracker, UntrackedValue, PrivateStateAttr]]


class AurikoBudgetMiddleware(AgentMiddleware[AurikoBudgetState, Any, Any]):
    """Stops a run of an agent once its model calls have cost so much.

    The call in flight is finished, so a run may cost more than the limit by one call. Calls whose cost the gateway
    does not report count as nothing.

    Args:
        limit_usd: The limit of one run, in USD.
        exit_behavior: "end" ends the run with a message that says so, "error" raises.

    Raises:
        AurikoBudgetExceededError: In the run, with `exit_behavior="error"`.
    """

    state_schema = AurikoBudgetState

    def __init__(self, limit_usd: float, *, exit_behavior: Literal["end", "error"] = "end") -> None:
        super().__init__()
        if exit_behavior not in ("end", "error"):
            raise ValueError(f'exit_behavior is "end" or "error", not {exit_behavior!r}')
        self.limit_usd = checked_limit(limit_usd)
        self.exit_behavior = exit_behavior

    @hook_config(can_jump_to=["end"])
    def before_model(self, state: AurikoBudgetState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Begins to count, or ends the run where the limit is reached."""
        spend = state.get("auriko_spend") or SpendTracker()
        spent = spend.usd
        if spent < self.limit_usd:
            return {"auriko_spend": spend}
        text = f"The budget of ${self.limit_usd:g} for this run is spent: its model calls cost ${spent:.6f}."
        if self.exit_behavior == "error":
            raise AurikoBudgetExceededError(
                text, code="local_budget_exceeded", limit_usd=self.limit_usd, spent_usd=spent
            )
        return {"jump_to": "end", "messages": [AIMessage(text)]}

    @hook_config(can_jump_to=["end"])
    async def abefore_model(self, state: AurikoBudgetState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Begins to count, or ends the run where the limit is reached."""
        return self.before_model(state, runtime)

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """Makes the call, which counts."""
        with _tracker(request).active():
            return handler(request)

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        """Makes the call, which counts."""
        with _tracker(request).active():
            return await handler(request)


def _tracker(request: ModelRequest[Any]) -> SpendTracker:
    tracker: SpendTracker = cast("Any", request.state)["auriko_spend"]
    return tracker


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
        # A fallback middleware may have put another model in its place, which knows nothing of routing.
        if options is None or not isinstance(request.model, ChatAuriko):
            return request
        given: Any = request.model_settings.get("routing") or {}
        routing = merge_gateway({"routing": given}, {"routing": options})["routing"]
        return request.override(model_settings={**request.model_settings, "routing": routing})
