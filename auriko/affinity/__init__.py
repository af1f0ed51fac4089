"""Conversations that stay with their cache: a provider's prompt cache pays only if the next turn goes there too.

A client remembers who served the last turn of each of its last conversations, and has the next one prefer it. The
preference is soft: it never fails a request, and what the caller says wins. docs/routing.md says when it is dropped.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from auriko.affinity._prices import LastTurn, is_left_to_the_gateway
from auriko.routing import split_strategy
from auriko.spend import CallRecord, Recorder

__all__ = ["Affinity", "Turn"]

_KEPT: Final = 1000
# How long providers keep a prefix that nobody asks for, in seconds; and with the retention that OpenAI offers.
_LIFETIME: Final = 300.0
_LONG_LIFETIME: Final = 86_400.0
# Those that have a `prompt_cache_key`; others would drop it and warn.
_TAKE_KEYS: Final = frozenset({"openai", "azure_openai"})


class Affinity:
    """What a client remembers of its last 1,000 conversations. Safe to use from several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._turns: OrderedDict[str, LastTurn] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, conversation: Any, body: dict[str, Any]) -> Turn:
        """The next turn of a conversation, whose request is made to prefer who served the last one.

        Raises:
            TypeError: The conversation is no text.
            ValueError: It is empty.
        """
        if not isinstance(conversation, str):
            raise TypeError(f"conversation is the id of a conversation as text, not {type(conversation).__name__}")
        if not conversation:
            raise ValueError("conversation is empty: give each conversation an id of its own")
        conversation = conversation.encode("utf-8", "replace").decode()  # as files can have it
        with self._lock:
            last = self._turns.get(conversation)
        if last is not None and self.clock() > last.expires_at:
            last = None
        is_free = last is not None and is_left_to_the_gateway(last, body)
        if last is not None and not is_free:
            _prefer(last, conversation, body)
        lifetime = _LONG_LIFETIME if body.get("prompt_cache_retention") == "24h" else _LIFETIME
        return Turn(self, conversation, lifetime, last, is_free=is_free)

    def keep(self, conversation: str, turn: LastTurn | None) -> None:
        """Notes who served the last turn of a conversation; None where that is not known."""
        with self._lock:
            self._turns.pop(conversation, None)
            if turn is not None:
                self._turns[conversation] = turn
            if len(self._turns) > _KEPT:
                self._turns.popitem(last=False)


class Turn(Recorder):
    """A turn under way, which is told of its end as trackers are.

    Attributes:
        conversation: The conversation's id, which goes into the call's record.
    """

    def __init__(
        self, affinity: Affinity, conversation: str, lifetime: float, last: LastTurn | None, *, is_free: bool
    ) -> None:
        super().__init__(())
        self._affinity = affinity
        self.conversation = conversation
        self._lifetime = lifetime
        self._last = last
        self._is_free = is_free

    def add(self, record: CallRecord, hold: Any = None) -> None:  # noqa: ARG002 - it has no limit
        """Remembers who served the turn, or forgets it after a failure."""
        self._affinity.keep(self.conversation, self._served(record) if record.status != "error" else None)

    def _served(self, record: CallRecord) -> LastTurn | None:
        if record.provider is None:
            return None
        last = self._last
        stayed = last is not None and (last.provider, last.model) == (record.provider, record.model)
        return LastTurn(
            record.provider,
            record.model,
            record.prompt_tokens or 0,
            record.completion_tokens or 0,
            last.turns + 1 if last is not None and stayed else 1,
            self._affinity.clock() + self._lifetime,
            was_free=last is not None and stayed and (self._is_free or last.was_free),
        )


def _prefer(last: LastTurn, conversation: str, body: dict[str, Any]) -> None:
    """Has a request prefer who served the last turn, as far as it does not say something else itself."""
    gateway = dict(cast("Mapping[str, Any]", body.get("gateway") or {}))
    routing = dict(cast("Mapping[str, Any]", gateway.get("routing") or {}))
    routing.setdefault("prefer", last.provider)
    models = cast("list[str]", gateway.get("models") or [])
    same = [model for model in models if split_strategy(model)[0] == last.model]
    if (
        len(models) > 1
        and same
        and routing.get("mode", "pool") == "pool"
        and routing.get("allow_fallbacks") is not False
    ):
        # A cache belongs to a model too: that one first, and all others after it.
        gateway["models"] = [*same, *(model for model in models if model not in same)]
        routing["mode"] = "fallback"
    body["gateway"] = {**gateway, "routing": routing}
    if last.provider in _TAKE_KEYS and routing["prefer"] == last.provider and not routing.get("require_parameters"):
        digest = hashlib.blake2b(conversation.encode(), digest_size=16)
        body.setdefault("prompt_cache_key", digest.hexdigest())
