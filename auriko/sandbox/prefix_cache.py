"""Prompt caches of the providers: how much of a prompt each has seen before, found by comparing prefixes."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass

from auriko.sandbox.engines.tokens import count_tokens

BLOCK_CHARACTERS = 128
_KEPT_BLOCKS = 100_000


@dataclass(frozen=True, slots=True)
class CacheLookup:
    """Shares of a prompt's tokens, of 0 to 1: read from the cache, and newly kept."""

    read: float
    written: float


class PrefixCache:
    """Blocks of prompts by a hash of everything up to their end, per provider, model and key.

    Caches are as separate as the providers are: what one has seen, another has not. Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()

    def peek(self, scope: str, text: str, min_tokens: int) -> float:
        """The share of `text` that would be read from the cache now."""
        hashes = _block_hashes(scope, text)
        with self._lock:
            return self._read_share(hashes, text, min_tokens)

    def use(self, scope: str, text: str, min_tokens: int) -> CacheLookup:
        """What is read from the cache, and what is kept for the next call.

        Args:
            scope: Provider, model and key; only prompts of one scope share a cache.
            text: The whole prompt.
            min_tokens: Prefixes shorter than this are not kept.
        """
        hashes = _block_hashes(scope, text)
        with self._lock:
            read = self._read_share(hashes, text, min_tokens)
            if len(text) < min_tokens or count_tokens(text) < min_tokens:  # the length is quick to see
                return CacheLookup(read, 0.0)
            for block in hashes:
                self._seen[block] = None
                self._seen.move_to_end(block)
            while len(self._seen) > _KEPT_BLOCKS:
                self._seen.popitem(last=False)
        return CacheLookup(read, _share(len(hashes), text) - read)

    def _read_share(self, hashes: list[bytes], text: str, min_tokens: int) -> float:
        blocks = 0
        while blocks < len(hashes) and hashes[blocks] in self._seen:
            blocks += 1
        if blocks == 0 or count_tokens(text[: blocks * BLOCK_CHARACTERS]) < min_tokens:
            return 0.0
        return _share(blocks, text)


def _share(blocks: int, text: str) -> float:
    """The share of its tokens that so many blocks at its beginning hold."""
    return count_tokens(text[: blocks * BLOCK_CHARACTERS]) / max(1, count_tokens(text))


def _block_hashes(scope: str, text: str) -> list[bytes]:
    """One hash for each whole block of `text`, each over everything before it too."""
    running = hashlib.blake2b(scope.encode(), digest_size=16)
    hashes: list[bytes] = []
    for start in range(0, len(text) // BLOCK_CHARACTERS * BLOCK_CHARACTERS, BLOCK_CHARACTERS):
        running.update(text[start : start + BLOCK_CHARACTERS].encode("utf-8", "surrogatepass"))
        hashes.append(running.digest())
    return hashes
