"""A model with arguments bound to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableBinding
from typing_extensions import Self

from auriko import RoutingOptions
from auriko.call_arguments import MERGED_FIELDS, gateway_arguments
from auriko_langchain._tools import Tool, wire_arguments

# Bound, these belong to the model, so that what a later call says of them is merged instead of replacing them.
_ROUTING = ("routing", "gateway_metadata")
# They belong to the tools that were bound, and go with them.
_OF_TOOLS = ("tools", "tool_choice")


class ChatBinding(RunnableBinding[LanguageModelInput, AIMessage]):  # type: ignore[no-redef]  # the pydantic plugin sees its field twice
    """A model with arguments bound to it."""

    def bind(self, **kwargs: Any) -> Self:
        """A binding with more arguments; tools and the form of the answer may be classes."""
        kwargs = {**gateway_arguments(kwargs.pop("gateway", None)), **wire_arguments(kwargs)}
        objects = [name for name in MERGED_FIELDS if isinstance(kwargs.get(name), Mapping)]
        merged = {name: kwargs.pop(name) for name in (*_ROUTING, *objects) if name in kwargs}
        binding = cast("Self", super().bind(**kwargs))
        if merged:
            model: Any = binding.bound
            binding.bound = model.rerouted(**merged)
        return binding

    def bind_tools(self, tools: Sequence[Tool], **kwargs: Any) -> Runnable[LanguageModelInput, AIMessage]:
        """The same with tools that it may call, in place of any that it had: see `ChatAuriko.bind_tools`."""
        return self._configured(self._model().bind_tools(tools, **{**self._arguments(), **kwargs}))

    def with_structured_output(self, schema: Any = None, **kwargs: Any) -> Runnable[LanguageModelInput, Any]:
        """The same with answers that follow a schema: see `ChatAuriko.with_structured_output`."""
        return self._configured(self._model().with_structured_output(schema, **{**self._arguments(), **kwargs}))

    def with_routing(self, routing: RoutingOptions | Mapping[str, Any] | None = None, **options: Any) -> Self:
        """The same with these routing options over the model's own."""
        return self.model_copy(update={"bound": self._model().with_routing(routing, **options)})

    def _configured(self, runnable: Runnable[LanguageModelInput, Any]) -> Runnable[LanguageModelInput, Any]:
        return runnable.with_config(self.config) if self.config else runnable

    def _model(self) -> Any:
        return self.bound

    def _arguments(self) -> dict[str, Any]:
        return {name: value for name, value in self.kwargs.items() if name not in _OF_TOOLS}

    @classmethod
    def lc_id(cls) -> list[str]:
        """The same as a plain binding's, so that `loads` finds it."""
        return RunnableBinding.lc_id()
