"""Prompt caches of the providers: how much of a prompt each has seen before, found by comparing prefixes."""

from __future__ import annotations

import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from auriko.sandbox.engines.tokens import count_tokens

BLOCK_CHARACTERS = 128
_KEPT_BLOCKS = 100_000
_LIFETIME = 300.0  # seconds for which a prefix is kept that nobody asks for


@dataclass(frozen=True, slots=True)
class CacheLookup:
    """Shares of a prompt's tokens, of 0 to 1: read from the cache, and newly kept."""

    read: float
    written: float


class PrefixCache:
    """Blocks of prompts by a hash of everything up to their end, per provider, model and key.

    Caches are as separate as the providers are: what one has seen, another has not. Each keeps a prefix for five
    minutes after its last use.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: OrderedDict[bytes, float] = OrderedDict()

    def peek(self, scope: str, text: str, min_tokens: int) -> float:
        """The share of `text` that would be read from the cache now."""
        return self._read_share(_Blocks(scope, text), min_tokens)

    def use(self, scope: str, text: str, min_tokens: int) -> CacheLookup:
        """The shares that are read from the cache and kept for the next call.

        Args:
            scope: Provider, model and key; only prompts of one scope share a cache.
            text: The whole prompt.
            min_tokens: Prefixes shorter than this are not kept.
        """
        blocks = _Blocks(scope, text)
        read = self._read_share(blocks, min_tokens)
        if len(text) < min_tokens or blocks.all_tokens < min_tokens:  # the length is quick to see
            return CacheLookup(read, 0.0)
        for block in blocks.hashes:
            self._seen[block] = self._clock()
            self._seen.move_to_end(block)
        while len(self._seen) > _KEPT_BLOCKS:
            self._seen.popitem(last=False)
        return CacheLookup(read, blocks.tokens(len(blocks.hashes)) / blocks.all_tokens - read)

    def _read_share(self, blocks: _Blocks, min_tokens: int) -> float:
        alive = self._clock() - _LIFETIME
        seen = (self._seen.get(block, -math.inf) >= alive for block in blocks.hashes)
        known = next((n for n, is_there in enumerate(seen) if not is_there), len(blocks.hashes))
        tokens = blocks.tokens(known)
        return tokens / blocks.all_tokens if tokens and tokens >= min_tokens else 0.0


class _Blocks:
    """The whole blocks of a text: one hash for each, over everything before it too, and their tokens."""

    def __init__(self, scope: str, text: str) -> None:
        self._text = text
        self._tokens: dict[int, int] = {}
        running = hashlib.blake2b(scope.encode(), digest_size=16)
        self.hashes: list[bytes] = []
        for start in range(0, len(text) // BLOCK_CHARACTERS * BLOCK_CHARACTERS, BLOCK_CHARACTERS):
            running.update(text[start : start + BLOCK_CHARACTERS].encode("utf-8", "surrogatepass"))
            self.hashes.append(running.digest())

    @cached_property
    def all_tokens(self) -> int:
        """Tokens of the whole text."""
        return self.tokens(len(self.hashes)) + count_tokens(self._text[len(self.hashes) * BLOCK_CHARACTERS :])

    def tokens(self, blocks: int) -> int:
        """Tokens of so many blocks at the beginning."""
        if blocks not in self._tokens:
            self._tokens[blocks] = count_tokens(self._text[: blocks * BLOCK_CHARACTERS])
        return self._tokens[blocks]
