"""Labels of a request out of LangChain's config: `ChatAuriko(label_from_config=True)` (API section 4)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config

from auriko_langchain._fields import plain
from auriko_langchain._lifecycle import Lifecycle


class LabelledCalls(Lifecycle):
    """The calls of `ChatAuriko`, which have LangChain's config only here: below, a stream does not see it."""

    def invoke(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        """The model's answer, with cost and routing in its `response_metadata`."""
        config, kwargs = self._label(config, kwargs)
        return super().invoke(input, config, stop=stop, **kwargs)

    async def ainvoke(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        """The model's answer, with cost and routing in its `response_metadata`."""
        config, kwargs = self._label(config, kwargs)
        return await super().ainvoke(input, config, stop=stop, **kwargs)

    def stream(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> Iterator[AIMessageChunk]:
        """The answer in chunks; the last one has the usage, the cost and the routing."""
        config, kwargs = self._label(config, kwargs)
        return super().stream(input, config, stop=stop, **kwargs)

    def astream(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[AIMessageChunk]:
        """The answer in chunks; the last one has the usage, the cost and the routing."""
        config, kwargs = self._label(config, kwargs)
        return super().astream(input, config, stop=stop, **kwargs)

    def _label(
        self, config: RunnableConfig | None, kwargs: dict[str, Any]
    ) -> tuple[RunnableConfig | None, dict[str, Any]]:
        """The config and the arguments of a call, with the labels among the arguments if they are asked for."""
        if not self.label_from_config:
            return config, kwargs
        config = ensure_config(config)
        # The run gets its id here, so that its trace and the gateway's records name the same one.
        run_id = config["run_id"] = config.get("run_id") or uuid4()
        tags = [*config.get("tags", ()), *(self.tags or ())]
        metadata = {**config.get("metadata", {}), **(self.metadata or {})}
        labels = self._labels(tags, metadata, run_id, kwargs.get("gateway_metadata"))
        return config, {**kwargs, "gateway_metadata": labels}

    def _label_run(self, run: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments of a call that came another way (`generate`, events of version 3) and has its run."""
        if not self.label_from_config or run is None or "gateway_metadata" in kwargs:
            return kwargs
        return {**kwargs, "gateway_metadata": self._labels(run.tags, run.metadata, run.run_id, None)}

    def _labels(self, tags: Sequence[str], metadata: Mapping[str, Any], run_id: object, given: Any) -> dict[str, Any]:
        own: Mapping[str, Any] = plain(self.gateway_metadata) or {}
        labels: dict[str, Any] = {"trace_id": str(run_id)}
        if together := [*dict.fromkeys([*own.get("tags", ()), *tags])]:
            labels["tags"] = together
        if (user := metadata.get("user_id")) is not None:
            labels["user_id"] = str(user)
        return {**labels, **(plain(given) or {})}
