"""Names under which a LangChain message carries what has no field of its own there.

In `additional_kwargs` is what goes back to the model on the next turn,
in `response_metadata` what informs the user.
"""

from __future__ import annotations

from typing import Final

PROVIDER: Final = "auriko"

# additional_kwargs
REASONING_CONTENT: Final = "reasoning_content"
# Not "reasoning", where langchain-openai expects what OpenAI's responses have.
REASONING: Final = "reasoning_blocks"
REFUSAL: Final = "refusal"
ANNOTATIONS: Final = "annotations"
# Maps the id of a tool call to the signature that its provider wants back (API section 3.3).
SIGNATURES: Final = "provider_signatures"

# response_metadata
ROUTING_METADATA: Final = "routing_metadata"
COST: Final = "cost"
