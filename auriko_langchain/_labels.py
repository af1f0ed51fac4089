"""Labels of a request out of LangChain's config: `ChatAuriko(label_from_config=True)` (API section 4)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, TypeVar
from uuid import uuid4

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config

from auriko.routing import plain_options
from auriko_langchain._fields import ChatFields

ModelT = TypeVar("ModelT", bound=ChatFields)


def labels_from_config(model: type[ModelT]) -> type[ModelT]:
    """The class, whose calls have labels out of the config that they are given: below, a stream does not see it."""
    for name in ("invoke", "ainvoke", "stream", "astream"):
        setattr(model, name, _labelled(getattr(model, name)))
    return model


def _labelled(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(model: ChatFields, /, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002 - LangChain's name
        config, kwargs = _with_labels(model, config, kwargs)
        return method(model, input, config, **kwargs)

    @wraps(method)
    async def acall(model: ChatFields, /, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002 - as above
        config, kwargs = _with_labels(model, config, kwargs)
        return await method(model, input, config, **kwargs)

    return acall if inspect.iscoroutinefunction(method) else call


def labels_of_run(model: ChatFields, run: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call that came another way (`generate`, events of version 3) and has its run."""
    if run is not None:
        kwargs = _with_conversation(model, kwargs, run.metadata or {})
    if not model.label_from_config or run is None or "gateway_metadata" in kwargs:
        return kwargs
    return {**kwargs, "gateway_metadata": _labels(model, run.tags, run.metadata, run.run_id, None)}


def _with_labels(
    model: ChatFields, config: RunnableConfig | None, kwargs: dict[str, Any]
) -> tuple[RunnableConfig | None, dict[str, Any]]:
    if not model.label_from_config and model.conversation is not True:
        return config, kwargs
    config = ensure_config(config)
    kwargs = _with_conversation(model, kwargs, {**config.get("metadata", {}), **config.get("configurable", {})})
    if not model.label_from_config:
        return config, kwargs
    # The run gets its id here, so that its trace and the gateway's records name the same one.
    run_id = config["run_id"] = config.get("run_id") or uuid4()
    tags = [*config.get("tags", ()), *(model.tags or ())]
    metadata = {**config.get("metadata", {}), **(model.metadata or {})}
    labels = _labels(model, tags, metadata, run_id, kwargs.get("gateway_metadata"))
    return config, {**kwargs, "gateway_metadata": labels}


def _with_conversation(model: ChatFields, kwargs: dict[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, with LangGraph's thread as their conversation where the model takes that."""
    thread = config.get("thread_id")
    if model.conversation is not True or thread is None or "conversation" in kwargs:
        return kwargs
    return {**kwargs, "conversation": str(thread)}


def _labels(
    model: ChatFields, tags: Sequence[str], metadata: Mapping[str, Any], run_id: object, given: Any
) -> dict[str, Any]:
    own: Mapping[str, Any] = plain_options(model.gateway_metadata) or {}
    labels: dict[str, Any] = {"trace_id": str(run_id)}
    if together := [*dict.fromkeys([*own.get("tags", ()), *tags])]:
        labels["tags"] = together
    if (user := metadata.get("user_id")) is not None:
        labels["user_id"] = str(user)
    return {**labels, **(plain_options(given) or {})}
