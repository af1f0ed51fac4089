"""Bills, worked out by hand: catalogue price x tokens, with what the prompt cache saves.

"Why is the sky blue?" has 10 tokens (6, and 4 for its message); "Blue light is scattered more." has 7. Prices are USD
for a million tokens, so that token x price is in millionths of a dollar.
"""

from __future__ import annotations

import pytest

MESSAGES = [{"role": "user", "content": "Why is the sky blue?"}]
# With "\nuser: " before it, exactly 100 blocks of the prompt cache; 2,559 tokens, and 4 for its message.
HUNDRED_BLOCKS = [{"role": "user", "content": "abcd " * 2558 + "abc"}]
PAST_200K = [{"role": "user", "content": "abcd " * 200_000}]


def bill(http, model, provider, messages=MESSAGES, **fields):
    routing = {"providers": [provider], **fields.pop("routing", {})}
    body = {"model": model, "messages": messages, "gateway": {"routing": routing}, **fields}
    reply = http.post("/chat/completions", json=body).json()
    return reply["routing_metadata"]["cost"], reply["usage"]


@pytest.mark.parametrize(
    ("model", "provider", "fields", "millionths"),
    [
        ("gpt-4o", "openai", {}, 10 * 2.5 + 7 * 10),
        ("gpt-4o", "azure_openai", {}, 10 * 2 + 7 * 8),
        ("gpt-4o", "openai", {"n": 3}, 10 * 2.5 + 3 * 7 * 10),
        ("claude-sonnet-4-6", "anthropic", {}, 10 * 3 + 7 * 15),
        ("claude-opus-4-7-fast", "anthropic", {"routing": {"tier": "priority"}}, 10 * 30 + 7 * 150),
        # The question repeated (18 tokens), what the engine says to it (7), and the answer.
        ("claude-sonnet-4-6", "anthropic", {"reasoning_effort": "low"}, 10 * 3 + (18 + 7 + 7) * 15),
        # A picture counts as 256 tokens.
        ("gemini-2.5-flash-image", "google_vertex", {}, 10 * 0.3 + (7 + 256) * 30),
    ],
)
def test_price_times_tokens(http, model, provider, fields, millionths):
    cost, usage = bill(http, model, provider, **fields)
    assert usage["prompt_tokens"] == 10
    assert cost == {"usd": pytest.approx(millionths / 1e6, abs=1e-12)}


def test_a_cache_costs_to_write_and_saves_to_read(http):
    first, usage = bill(http, "claude-sonnet-4-6", "anthropic", HUNDRED_BLOCKS)
    assert usage["prompt_tokens_details"]["cache_write_tokens"] == 2563
    assert first == {"usd": pytest.approx(0.00971625, abs=1e-12)}  # 2,563 x 3.75 + 7 x 15
    second, usage = bill(http, "claude-sonnet-4-6", "anthropic", HUNDRED_BLOCKS)
    assert usage["prompt_tokens_details"]["cached_tokens"] == 2563
    assert second == {
        "usd": pytest.approx(0.0008739, abs=1e-12),  # 2,563 x 0.3 + 7 x 15
        "cache_savings_usd": pytest.approx(0.0069201, abs=1e-12),  # 2,563 x (3 - 0.3)
        "cache_savings_percent": 89,  # of 0.0077940
    }


def test_a_longer_prompt_pays_for_what_is_new(http):
    bill(http, "gpt-4o", "openai", HUNDRED_BLOCKS)
    follow_up = [*HUNDRED_BLOCKS, {"role": "assistant", "content": "Yes."}, *MESSAGES]
    cost, usage = bill(http, "gpt-4o", "openai", follow_up)
    # Of 2,563 + 6 + 10 tokens the first are known: 2,561 of 2,574, when roles are counted as they are written.
    assert (usage["prompt_tokens"], usage["prompt_tokens_details"]["cached_tokens"]) == (2579, 2565)
    assert cost["usd"] == pytest.approx(0.00331125, abs=1e-12)  # 14 x 2.5 + 2,565 x 1.25 + 7 x 10
    assert cost["cache_savings_usd"] == pytest.approx(0.00320625, abs=1e-12)


def test_another_beginning_is_not_cached(http):
    bill(http, "gpt-4o", "openai", HUNDRED_BLOCKS)
    _, usage = bill(http, "gpt-4o", "openai", [{"role": "system", "content": "Be brief."}, *HUNDRED_BLOCKS])
    assert usage["prompt_tokens_details"]["cached_tokens"] == 0


def test_long_prompts_cost_more_for_all_their_tokens(http):
    cost, usage = bill(http, "claude-sonnet-4-6", "anthropic", PAST_200K)
    written = usage["prompt_tokens_details"]["cache_write_tokens"]
    assert usage["prompt_tokens"] == 200_004
    assert 0 < 200_004 - written < 128
    # 6 and 22.5 instead of 3 and 15; writing to the cache is dearer in the same proportion, 7.5 instead of 3.75.
    plain = 200_004 - written
    assert cost["usd"] == pytest.approx((plain * 6 + written * 7.5 + 7 * 22.5) / 1e6, abs=1e-12)
    again, usage = bill(http, "claude-sonnet-4-6", "anthropic", PAST_200K)
    assert usage["prompt_tokens_details"]["cached_tokens"] == written
    assert again["usd"] == pytest.approx((plain * 6 + written * 0.6 + 7 * 22.5) / 1e6, abs=1e-12)


def test_credits_and_bills_agree(http):
    before = int(http.get("/me").headers["x-credits-balance-microdollars"])
    costs = [bill(http, "gpt-4o", "openai")[0]["usd"] for _ in range(4)]
    after = int(http.get("/me").headers["x-credits-balance-microdollars"])
    assert before - after == round(sum(costs) * 1e6) == 4 * 95
