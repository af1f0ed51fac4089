"""`client.chat.completions.batch(...)`: many requests at once."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, overload

from typing_extensions import Unpack

from auriko._caller import AsyncCaller, AsyncResource, Caller, Resource
from auriko._rules.call import Call
from auriko._signature import show_parameters
from auriko.models.chat import ChatCompletion
from auriko.resources._chat_call import chat_call, parse_call
from auriko.types.batch_params import BatchOptions

if TYPE_CHECKING:
    from auriko.batch import AsyncBatch, Batch
    from auriko.models.parsed import ParsedChatCompletion
    from auriko.schemas.response_format import AnswerType

T = TypeVar("T")
# Each is the arguments of one `create`.
Requests: TypeAlias = Iterable[Mapping[str, Any]]
AsyncRequests: TypeAlias = Requests | AsyncIterable[Mapping[str, Any]]


def _to_call(form: Any, caller: Caller | AsyncCaller) -> Callable[[Mapping[str, Any]], Call[Any]]:
    """What makes a call of each request of a batch whose answers have that form, or any form where it is None."""
    if form is None:
        return partial(chat_call, stream=False, caller=caller)
    from auriko.schemas.response_format import response_format_of

    return partial(parse_call, form=response_format_of(form), caller=caller)


class BatchingCompletions(Resource):
    """Many chat completions at once."""

    @overload
    def batch(
        self, requests: Requests, *, on_error: Literal["return"] = "return", **options: Unpack[BatchOptions]
    ) -> list[ChatCompletion | Exception]: ...
    @overload
    def batch(
        self, requests: Requests, *, on_error: Literal["raise"], **options: Unpack[BatchOptions]
    ) -> list[ChatCompletion]: ...
    @overload
    def batch(
        self,
        requests: Requests,
        *,
        response_format: AnswerType[T],
        on_error: Literal["return"] = "return",
        **options: Unpack[BatchOptions],
    ) -> list[ParsedChatCompletion[T] | Exception]: ...
    @overload
    def batch(
        self,
        requests: Requests,
        *,
        response_format: AnswerType[T],
        on_error: Literal["raise"],
        **options: Unpack[BatchOptions],
    ) -> list[ParsedChatCompletion[T]]: ...
    def batch(
        self,
        requests: Requests,
        *,
        response_format: Any = None,
        on_error: Literal["return", "raise"] = "return",
        **options: Unpack[BatchOptions],
    ) -> list[Any]:
        """The replies to many requests, in their order, with an exception in the place of each that failed.

        Each request is a dict of the arguments of `create`; any iterable of them will do, also a lazy one. Once
        `limit_usd`, or the limit of a `track_spend` around this, is reached, each request that is left gets a
        `BudgetExceededError` and is not sent. Left by Ctrl-C, the batch leaves no request under way.

        Args:
            requests: What to send.
            response_format: The type of which every answer is an object, as for `parse`.
            on_error: "return" puts exceptions into the list; "raise" raises the first and ends the batch.
            **options: `max_concurrency`, `max_per_second`, `limit_usd` in USD, `progress`; see `BatchOptions`.

        Raises:
            ValueError: An option is out of its range.
            TypeError: An option is unknown, or the requests are no iterable of dicts.
        """
        from auriko.batch import collect

        return collect(self._batch(requests, response_format, options), on_error)

    @overload
    def batch_as_completed(
        self, requests: Requests, *, response_format: None = None, **options: Unpack[BatchOptions]
    ) -> Batch[ChatCompletion]: ...
    @overload
    def batch_as_completed(
        self, requests: Requests, *, response_format: AnswerType[T], **options: Unpack[BatchOptions]
    ) -> Batch[ParsedChatCompletion[T]]: ...
    def batch_as_completed(
        self, requests: Requests, *, response_format: Any = None, **options: Unpack[BatchOptions]
    ) -> Batch[Any]:
        """A batch that gives each reply, or exception, with its request's index as soon as it is there.

        `with client.chat.completions.batch_as_completed(requests) as replies: for index, reply in replies: ...`
        keeps nothing that has been given out, and reads no request before there is room for it.
        """
        return self._batch(requests, response_format, options)

    def _batch(self, requests: Requests, form: Any, options: BatchOptions) -> Batch[Any]:
        from auriko.batch import Batch

        return Batch(self._caller, _to_call(form, self._caller), requests, options)


class AsyncBatchingCompletions(AsyncResource):
    """Many chat completions at once, awaited."""

    @overload
    async def batch(
        self, requests: AsyncRequests, *, on_error: Literal["return"] = "return", **options: Unpack[BatchOptions]
    ) -> list[ChatCompletion | Exception]: ...
    @overload
    async def batch(
        self, requests: AsyncRequests, *, on_error: Literal["raise"], **options: Unpack[BatchOptions]
    ) -> list[ChatCompletion]: ...
    @overload
    async def batch(
        self,
        requests: AsyncRequests,
        *,
        response_format: AnswerType[T],
        on_error: Literal["return"] = "return",
        **options: Unpack[BatchOptions],
    ) -> list[ParsedChatCompletion[T] | Exception]: ...
    @overload
    async def batch(
        self,
        requests: AsyncRequests,
        *,
        response_format: AnswerType[T],
        on_error: Literal["raise"],
        **options: Unpack[BatchOptions],
    ) -> list[ParsedChatCompletion[T]]: ...
    async def batch(
        self,
        requests: AsyncRequests,
        *,
        response_format: Any = None,
        on_error: Literal["return", "raise"] = "return",
        **options: Unpack[BatchOptions],
    ) -> list[Any]:
        """The replies to many requests, awaited; arguments and errors are those of `Completions.batch`.

        The requests may also come from an async iterable.
        """
        from auriko.batch import collect_async

        return await collect_async(self._batch(requests, response_format, options), on_error)

    @overload
    def batch_as_completed(
        self, requests: AsyncRequests, *, response_format: None = None, **options: Unpack[BatchOptions]
    ) -> AsyncBatch[ChatCompletion]: ...
    @overload
    def batch_as_completed(
        self, requests: AsyncRequests, *, response_format: AnswerType[T], **options: Unpack[BatchOptions]
    ) -> AsyncBatch[ParsedChatCompletion[T]]: ...
    def batch_as_completed(
        self, requests: AsyncRequests, *, response_format: Any = None, **options: Unpack[BatchOptions]
    ) -> AsyncBatch[Any]:
        """A batch as `Completions.batch_as_completed` gives it, for `async with` and `async for`."""
        return self._batch(requests, response_format, options)

    def _batch(self, requests: AsyncRequests, form: Any, options: BatchOptions) -> AsyncBatch[Any]:
        from auriko.batch import AsyncBatch

        return AsyncBatch(self._caller, _to_call(form, self._caller), requests, options)


for _batched in (BatchingCompletions, AsyncBatchingCompletions):
    show_parameters(_batched.batch, BatchOptions)
    show_parameters(_batched.batch_as_completed, BatchOptions)
