"""Names of the arguments that a call of `ChatAuriko` may have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from auriko.call_arguments import GATEWAY_FIELDS
from auriko.routing import unknown_name
from auriko.types import CallOptions, ChatParams

# Fields of a request that a call or the constructor may set under the wire's own name.
WIRE_FIELDS: Final = (
    frozenset(ChatParams.__annotations__)
    - set(CallOptions.__annotations__)
    - GATEWAY_FIELDS.keys()
    - {"messages", "gateway", "max_tokens", "stream_options", "continue_on"}
)
CALL_OPTIONS: Final = frozenset(CallOptions.__annotations__)
# Accepted per call beside those: LangChain's names, and what only a stream has.
_OTHERS: Final = frozenset({"gateway", "max_tokens", "stream", "stream_options", "stream_usage"})
# Taken by the model itself.
OF_STREAMS: Final = ("stream", "stream_usage")
CALL_FIELDS: Final = WIRE_FIELDS | CALL_OPTIONS | GATEWAY_FIELDS.keys() | _OTHERS


def check_names(given: Iterable[str], known: Iterable[str], what: str) -> None:
    """Nothing, if every name is known.

    Raises:
        TypeError: A name is not known; the message names the nearest that is.
    """
    names = dict.fromkeys(known)
    for name in given:
        if name not in names:
            raise TypeError(f"ChatAuriko: {unknown_name(name, names, what)}")
