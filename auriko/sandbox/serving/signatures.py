"""Signatures on reasoning and tool calls, which only this sandbox can make and which must come back unchanged."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from auriko.sandbox.catalog.model import RESPONSES
from auriko.sandbox.errors import GatewayError
from auriko.sandbox.request import InferenceRequest

_SIGNED_CALL = "call_s_"
_PLAIN_CALL = "call_"
_MARK = "sandbox."  # by which signatures of a sandbox are told from those of real providers


class Signer:
    """Signs with a secret that is made anew for each sandbox."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def sign(self, text: str) -> str:
        """The signature of this text."""
        digest = hmac.new(self._secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
        return _MARK + base64.b64encode(digest).decode()

    def seal(self, text: str) -> str:
        """The text in a form that is not for reading, with its signature."""
        return f"{self.sign(text)}.{base64.b64encode(text.encode('utf-8', 'surrogatepass')).decode()}"

    def new_call_id(self, *, signed: bool) -> str:
        """An id for a tool call; ids of signed calls can be told from others."""
        return (_SIGNED_CALL if signed else _PLAIN_CALL) + secrets.token_hex(12)

    def check_calls(self, request: InferenceRequest, provider: str) -> None:
        """Nothing, if every signed call in the history carries its signature.

        Raises:
            GatewayError: A signature is missing or wrong.
        """
        for call in (call for message in request.prompt.messages for call in message.get("tool_calls") or ()):
            signature = call.get("provider_signature")
            if call["id"].startswith(_SIGNED_CALL) and signature != self.sign(call["id"]):
                raise GatewayError(
                    "invalid_request",
                    f"The tool call {call['id']!r} came with a provider_signature, which is missing or changed.",
                    param="messages",
                    provider=provider,
                    suggestion="Send the assistant message back as it came, with provider_signature on each call.",
                )

    def check_reasoning(self, request: InferenceRequest, provider: str) -> None:
        """Nothing, if every block of reasoning that a sandbox signed is as it came; others cannot be judged.

        Raises:
            GatewayError: A block or its signature was changed.
        """
        for position, message in enumerate(request.prompt.messages):
            for index, block in enumerate(message.get("reasoning") or ()):
                sealed = block.get("data")
                text, signature = _unsealed(sealed) if sealed else (block.get("thinking", ""), block.get("signature"))
                if (signature or "").startswith(_MARK) and signature != self.sign(text):
                    where = f"messages[{position}].reasoning[{index}].{'data' if sealed else 'signature'}"
                    raise GatewayError(
                        "invalid_parameter_value",
                        "Reasoning has been changed: it does not match its signature.",
                        param="input" if request.endpoint == RESPONSES else where,
                        provider=provider,
                        suggestion="Send reasoning back unchanged.",
                    )


def _unsealed(sealed: str) -> tuple[str, str]:
    """The text that was sealed, and its signature."""
    signature, _, text = sealed.rpartition(".")
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "surrogatepass"), signature
    except ValueError:
        return "", signature
