"""Endpoints of the gateway that the sandbox leaves out, and what it says there.

It serves inference as the client of this package calls it. The format of other vendors' clients, and the management
of keys, budgets and workspaces, are not part of that.
"""

from __future__ import annotations

from typing import Any

from auriko.sandbox.errors import GatewayError


class MessagesError(GatewayError):
    """An error of the endpoints that speak the Messages format, which has an envelope of its own."""

    def envelope(self) -> dict[str, Any]:
        """The body of the reply."""
        fields = {name: value for name, value in self.fields.items() if name in {"type", "message", "suggestion"}}
        return {"type": "error", "error": fields}


def not_found(path: str) -> GatewayError:
    """The error of a path that nothing answers to."""
    if _is_below(path, "/v1/messages"):
        message = "The sandbox does not speak the Messages format."
        return MessagesError("resource_not_found", message, suggestion="Send it to POST /v1/chat/completions.")
    for root, what in (("/v1/byok", "provider keys"), ("/v1/workspaces", "workspaces")):
        if _is_below(path, root):
            suggestion = "Manage them at the gateway itself; here, the sandbox's own arguments set keys and limits."
            return GatewayError("resource_not_found", f"The sandbox does not manage {what}.", suggestion=suggestion)
    return GatewayError("resource_not_found", f"There is nothing at {path}.")


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(f"{root}/")
