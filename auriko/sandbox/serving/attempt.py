"""One try at one provider: from a request to the deltas of its answer, measured and priced."""

from __future__ import annotations

import base64
import time
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace

import anyio

from auriko.errors import CODES
from auriko.sandbox.accounts.keys import Account
from auriko.sandbox.answer import (
    AnswerText,
    CallArguments,
    CallStart,
    ChoiceEnd,
    Delta,
    Picture,
    ReasoningEnd,
    ReasoningText,
    RedactedReasoning,
    RefusalText,
)
from auriko.sandbox.catalog.model import CHAT
from auriko.sandbox.engines.base import EngineError, Event, Finish, Prompt, Text, Thought, ToolCall
from auriko.sandbox.engines.content import text_of
from auriko.sandbox.engines.tokens import count_tokens
from auriko.sandbox.errors import GatewayError
from auriko.sandbox.request import InferenceRequest
from auriko.sandbox.router.candidates import Candidate
from auriko.sandbox.serving import image
from auriko.sandbox.serving.provider_limits import dropped_params, effort, forwarded_prompt
from auriko.sandbox.serving.runtime import Progress, Runtime

# Tokens that each effort may spend on thinking.
_THINKING_TOKENS = {"low": 48, "medium": 96, "high": 192, "xhigh": 384, "max": 768}
_ARGUMENT_PIECES = 4
_REFUSAL = "I cannot help with that."


class AttemptFailedError(Exception):
    """The provider did not deliver; the next one may.

    Args:
        code: What the caller is told if there is no next one.
        message: What happened.
        retry_after: Seconds after which the provider may answer again, if it says so.
    """

    def __init__(self, code: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self._retry_after = retry_after

    def as_reply(self, provider: str | None = None) -> GatewayError:
        """The error for the caller."""
        headers = {} if self._retry_after is None else {"Retry-After": f"{self._retry_after:g}"}
        if self.code == "rate_limit_exceeded":
            headers["X-Rate-Limit-Source"] = "upstream"
        return GatewayError(self.code, self.message, provider=provider, headers=headers)


class OutOfTimeError(AttemptFailedError):
    """The time that the caller gives this attempt, or all of them, is over."""


@dataclass(slots=True)
class _Said:
    """The output of an engine so far: its answer, the thought that is not at its end, and how many calls."""

    text: str = ""
    thought: str = ""
    calls: int = 0


class Attempt:
    """One try at one provider.

    Args:
        account: Who pays; prompt caches are not shared between accounts.
        deadline: `perf_counter` time at which it must be done.

    Attributes:
        engine: The name of what answers, known from the first delta on.
    """

    def __init__(
        self,
        runtime: Runtime,
        request: InferenceRequest,
        candidate: Candidate,
        account: Account,
        deadline: float,
    ) -> None:
        self._runtime = runtime
        self._request = request
        self._candidate = candidate
        self._account = account
        self._deadline = deadline
        cached = runtime.cached(request, candidate, account)
        self._prompt = replace(forwarded_prompt(request, candidate), cached=cached)
        self._progress = Progress()
        self.engine = candidate.engine

    async def deltas(self) -> AsyncGenerator[Delta, None]:
        """The answer in deltas, ending with `Finished`.

        Raises:
            AttemptFailedError: The engine failed, or time ran out.
            GatewayError: The history lacks a signature that this provider demands, or the provider refuses the request.
        """
        provider = self._candidate.offer.provider
        if self._runtime.faults.fails(provider.id):
            raise AttemptFailedError("no_provider_available", f"{provider.id} is down.")
        if provider.signs_tool_calls:
            self._runtime.signer.check_calls(self._request, provider.id)
        self._runtime.signer.check_reasoning(self._request, provider.id)
        dropped = dropped_params(self._request, self._candidate)
        for choice in range(1 if "n" in dropped else self._request.n):
            async with aclosing(self._think(choice)) as thoughts:
                async for delta in thoughts:
                    yield delta
            async with aclosing(self._answer(choice)) as answer:
                async for delta in answer:
                    yield delta
        yield self._runtime.settle(self._request, self._candidate, self._account, self._progress, self.engine)

    async def _think(self, choice: int) -> AsyncGenerator[Delta, None]:
        """Reasoning before the answer: the question, and what the engine says to it without tools or a format."""
        how_hard = effort(self._request, self._candidate)
        if how_hard is None or self._candidate.offer.upstream_model is not None:  # an upstream thinks by itself
            return
        limit = min(_THINKING_TOKENS[how_hard], self._prompt.max_tokens or _THINKING_TOKENS[how_hard])
        thought = replace(
            self._prompt, tools=(), tool_choice="auto", response_format=None, max_tokens=limit, stop=(), is_thought=True
        )
        opening = f"The question is: {_question(self._prompt)!r}. At first sight: "
        self._progress.reasoning += count_tokens(opening)
        text = ""
        async with aclosing(self._events(thought)) as events:
            async for event in events:
                if isinstance(event, Text):
                    more = event.text if text else opening + event.text
                    text += more
                    yield ReasoningText(choice, more)
                elif isinstance(event, Finish):
                    self._progress.reasoning += event.completion_tokens
        if not text:
            text = opening
            yield ReasoningText(choice, text)
        yield self._signed(choice, text)
        if self._request.redact:
            signer = self._runtime.signer
            yield RedactedReasoning(choice, signer.seal(text))

    async def _answer(self, choice: int) -> AsyncGenerator[Delta, None]:
        prompt = self._prompt if self._prompt.seed is None else replace(self._prompt, seed=self._prompt.seed + choice)
        said, finish = _Said(), None
        async with aclosing(self._events(prompt)) as events:
            async for event in events:
                finish = event if isinstance(event, Finish) else None
                if finish or not self._request.refuse:
                    for delta in self._deltas_of(event, choice, said):
                        yield delta
        if finish is None:
            raise AttemptFailedError("upstream_error", f"{self._candidate.provider} broke off.")
        self._progress.prompt = finish.prompt_tokens
        self._progress.completion += finish.completion_tokens - finish.reasoning_tokens
        self._progress.reasoning += finish.reasoning_tokens
        self._progress.cached = finish.cached_tokens
        if self._request.refuse:
            yield RefusalText(choice, _REFUSAL)
        elif "image" in self._candidate.offer.output_modalities:
            self._progress.image += image.TOKENS
            yield Picture(choice, base64.b64encode(image.draw(said.text)).decode())
        yield ChoiceEnd(choice, "stop" if self._request.refuse else finish.reason)

    def _deltas_of(self, event: Event, choice: int, said: _Said) -> Iterator[Delta]:
        if said.thought and not isinstance(event, Thought):
            yield self._signed(choice, said.thought)
            said.thought = ""
        match event:
            case Thought(text=text):
                said.thought += text
                yield ReasoningText(choice, text)
            case Text(text=text):
                said.text += text
                yield AnswerText(choice, text, event.logprobs)
            case ToolCall():
                yield from self._call(choice, said.calls, event)
                said.calls += 1
            case Finish():
                pass

    def _signed(self, choice: int, thought: str) -> ReasoningEnd:
        return ReasoningEnd(choice, self._runtime.signer.sign(thought), self._runtime.signer.seal(thought))

    def _call(self, choice: int, index: int, call: ToolCall) -> Iterator[Delta]:
        # The items of a response have no place for a signature.
        signed = self._candidate.offer.provider.signs_tool_calls and self._request.endpoint == CHAT
        call_id = self._runtime.signer.new_call_id(signed=signed)
        signature = self._runtime.signer.sign(call_id) if signed else None
        yield CallStart(choice, index, call_id, call.name, signature)
        size = max(1, -(-len(call.arguments) // _ARGUMENT_PIECES))
        for start in range(0, len(call.arguments), size):
            yield CallArguments(choice, index, call.arguments[start : start + size])

    async def _events(self, prompt: Prompt) -> AsyncGenerator[Event, None]:
        with self._failures():
            self.engine, run = await self._runtime.engines.start(self._candidate.engine, prompt)
        async with aclosing(run):
            while True:
                with self._failures():
                    item = await anext(run, None)
                if item is None:
                    return
                moment, event = item
                self._progress.saw(moment)
                yield event

    @contextmanager
    def _failures(self) -> Generator[None]:
        """Turn what goes wrong inside into errors of this attempt, and end it when time is up."""
        provider = self._candidate.provider
        try:
            with anyio.fail_after(max(0.0, self._deadline - time.perf_counter())):
                yield
        except TimeoutError:
            raise OutOfTimeError("upstream_timeout", f"{provider} did not answer in time.") from None
        except EngineError as error:
            if error.is_final:
                raise AttemptFailedError(error.code, str(error), error.retry_after).as_reply(provider) from error
            if CODES[error.code].type == "invalid_request_error":  # the next one would be asked the same
                raise GatewayError(error.code, f"{provider} refused it: {error}", provider=provider) from error
            raise AttemptFailedError(error.code, f"{provider} failed: {error}", error.retry_after) from error


def _question(prompt: Prompt) -> str:
    """The end of the last thing that the user said."""
    said = (text_of(message) for message in reversed(prompt.messages) if message["role"] == "user")
    return " ".join(next(filter(None, said), "").split())[-120:]
