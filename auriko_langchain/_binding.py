"""Models with something bound to them: arguments, routing, tools, the form of the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableBinding, RunnableLambda
from langchain_core.utils.function_calling import convert_to_openai_tool
from typing_extensions import Self

from auriko import RoutingOptions
from auriko_langchain._labels import LabelledCalls
from auriko_langchain._params import CALL_FIELDS, MERGED_FIELDS, check_names
from auriko_langchain._structured import Method, answer_parser, describe, with_raw
from auriko_langchain._tools import Tool, ToolChoice, wire_response_format, wire_tool_choice, wire_tools

# Bound, these belong to the model, so that what a later call says of them is merged instead of replacing them.
_ROUTING = ("routing", "gateway_metadata")
# They belong to the tools that were bound, and go with them.
_OF_TOOLS = ("tools", "tool_choice")


class ChatBinding(RunnableBinding[LanguageModelInput, AIMessage]):  # type: ignore[no-redef]  # the pydantic plugin sees its field twice
    """A model with arguments bound to it."""

    def bind(self, **kwargs: Any) -> Self:
        """A binding with more arguments."""
        objects = [name for name in MERGED_FIELDS if isinstance(kwargs.get(name), Mapping)]
        merged = {name: kwargs.pop(name) for name in (*_ROUTING, *objects) if name in kwargs}
        binding = cast("Self", super().bind(**kwargs))
        if merged:
            binding.bound = binding._model().rerouted(**merged)  # noqa: SLF001 - of the same class
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

    def _model(self) -> BindableModel:
        return cast("BindableModel", self.bound)

    def _arguments(self) -> dict[str, Any]:
        return {name: value for name, value in self.kwargs.items() if name not in _OF_TOOLS}

    @classmethod
    def lc_id(cls) -> list[str]:
        """The same as a plain binding's, so that `loads` finds it."""
        return RunnableBinding.lc_id()


class BindableModel(LabelledCalls):
    """What can be bound to a `ChatAuriko`."""

    def bind(self, **kwargs: Any) -> ChatBinding:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  # langchain-core has a private class there
        """The model with arguments for every call; `routing` and `gateway_metadata` are merged over its own."""
        return ChatBinding(bound=self, kwargs={}, config={}).bind(**kwargs)

    def with_routing(self, routing: RoutingOptions | Mapping[str, Any] | None = None, **options: Any) -> Self:
        """A copy with these routing options over its own: `model.with_routing(optimize="ttft")`."""
        return self.rerouted(routing=routing).rerouted(routing=options)

    def bind_tools(
        self,
        tools: Sequence[Tool],
        *,
        tool_choice: ToolChoice = None,
        strict: bool | None = None,
        response_format: Any = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The model with tools that it may call.

        Args:
            tools: Tools, functions, pydantic classes, typed dictionaries, or schemas.
            tool_choice: Which must be called: "any" or True, a name, "none"; None leaves it to the model.
            strict: Whether calls must follow the schemas to the letter.
            response_format: The form of the final answer: a class, a JSON schema, or as on the wire.
            **kwargs: Further arguments of the calls.

        Raises:
            ValueError: There is no tool of the name in `tool_choice`.
            TypeError: An argument is unknown.
        """
        check_names(kwargs, [*CALL_FIELDS, "ls_structured_output_format"], "argument")
        bound = dict(kwargs)
        offered = wire_tools(tools, strict)
        if offered:
            bound["tools"] = offered
        if (choice := wire_tool_choice(tool_choice, offered)) is not None:
            bound["tool_choice"] = choice
        if response_format is not None:
            bound["response_format"] = wire_response_format(response_format, strict)
        return self.bind(**bound)

    def with_structured_output(
        self,
        schema: dict[str, Any] | type | None = None,
        *,
        method: Method = "json_schema",
        include_raw: bool = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """The model with answers that follow a schema.

        Args:
            schema: A pydantic class, of which the answer is an instance; or a typed dictionary or a JSON schema,
                with which it is a dictionary. "json_mode" does without.
            method: "json_schema" has the provider keep to the schema, "function_calling" makes it a tool that must
                be called, "json_mode" asks for JSON of any form, which the prompt has to describe: the schema is
                told before a prompt that does not speak of JSON.
            include_raw: Whether the result is a dictionary of `raw`, the message, `parsed` and `parsing_error`.
            strict: Whether the provider must keep to the schema to the letter.
            **kwargs: Further arguments of the calls.

        Raises:
            ValueError: There is no schema, or no such method.
        """
        if method not in ("json_schema", "function_calling", "json_mode"):
            raise ValueError(f"unknown method {method!r}: json_schema, function_calling or json_mode")
        if schema is None and method != "json_mode":
            raise ValueError(f"method {method!r} needs a schema")
        name = ""
        parameters: dict[str, Any] = {}
        if schema is not None:
            described: dict[str, Any] = convert_to_openai_tool(schema, strict=strict)
            name, parameters = described["function"]["name"], described["function"]["parameters"]
            shown = {"kwargs": {"method": method, "strict": strict}, "schema": described}
            kwargs = {**kwargs, "ls_structured_output_format": shown}
        if method == "function_calling" and schema is not None:
            model = self.bind_tools([schema], tool_choice=name, strict=strict, **kwargs)
        else:
            form = {"type": "json_object"} if method == "json_mode" else schema
            model = self.bind_tools([], response_format=form, strict=strict, **kwargs)
            if method == "json_mode" and schema is not None:
                model = self._describing(parameters) | model
        parser = answer_parser(schema, method, name)
        return with_raw(model, parser) if include_raw else model | parser

    def _describing(self, schema: Mapping[str, Any]) -> Runnable[LanguageModelInput, LanguageModelInput]:
        def described(prompt: LanguageModelInput) -> LanguageModelInput:
            return describe(schema, self._convert_input(prompt).to_messages())

        async def adescribed(prompt: LanguageModelInput) -> LanguageModelInput:  # not in another thread
            return described(prompt)

        return RunnableLambda(described, adescribed, name="describe_json")
