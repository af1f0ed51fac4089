"""Limits that hold: what calls in flight will cost is reserved, in threads, tasks, streams and batches."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import anyio
import httpx
import pytest

from auriko import APIConnectionError, BudgetExceededError, Client, RateLimitError, SpendTracker, track_spend
from auriko.spend import CallRecord, add_source
from auriko.spend._estimates import Experience, asked_of
from auriko.spend._recorder import sources
from tests.support.gated_gateway import GatedGateway
from tests.support.replies import completion, envelope
from tests.support.spend_calls import record

PRICE = 0.0123
KNOWN = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Why is the sky blue?"}]}
UNKNOWN = {**KNOWN, "model": "m"}
BACKENDS = ["asyncio", "trio"]


def ask(client: Client, request: Any = KNOWN, **more: Any) -> Any:
    reply = client.chat.completions.create(**{**request, **more})
    return list(reply) if more.get("stream") else reply


def spend_all(client: Client, request: Any = KNOWN, **more: Any) -> None:
    while True:
        ask(client, request, **more)


async def ask_async(client: Any, request: Any = KNOWN, **more: Any) -> Any:
    reply = await client.chat.completions.create(**{**request, **more})
    return [item async for item in reply] if more.get("stream") else reply


def at_once(gateway: GatedGateway, times: int, request: Any, **more: Any) -> list[BudgetExceededError]:
    """The refusals among so many calls in threads, all of which start before the first is answered."""
    refused: list[BudgetExceededError] = []
    client = gateway.client()

    def one() -> None:
        try:
            ask(client, request, **more)
        except BudgetExceededError as error:
            refused.append(error)
            gateway.tell()

    threads = [threading.Thread(target=copy_context().run, args=(one,)) for _ in range(times)]
    for thread in threads:
        thread.start()
    gateway.wait_for(lambda: gateway.arrived + len(refused) == times)
    gateway.open()
    for thread in threads:
        thread.join()
    return refused


async def at_once_async(gateway: GatedGateway, times: int, request: Any, **more: Any) -> list[BudgetExceededError]:
    """The same in tasks."""
    refused: list[BudgetExceededError] = []
    client = gateway.async_client()

    async def one() -> None:
        try:
            await ask_async(client, request, **more)
        except BudgetExceededError as error:
            refused.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(times):
            group.start_soon(one)
        while gateway.arrived + len(refused) < times:
            await anyio.lowlevel.checkpoint()
        gateway.open()
    return refused


# -- many at once --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("request_", [KNOWN, UNKNOWN], ids=["known", "unknown"])
@pytest.mark.parametrize("way", ["threads", *BACKENDS])
def test_fifty_calls_at_once_cost_one_more_than_the_limit_at_most(way: str, request_: Any, stream: bool) -> None:
    gateway = GatedGateway([PRICE])

    async def main() -> list[BudgetExceededError]:
        return await at_once_async(gateway, 50, request_, stream=stream)

    with track_spend(limit_usd=0.05) as spend:
        in_threads = way == "threads"
        refused = at_once(gateway, 50, request_, stream=stream) if in_threads else anyio.run(main, backend=way)
    assert PRICE <= spend.usd <= 0.0615
    assert spend.usd == pytest.approx(sum(gateway.billed))
    assert (len(gateway.billed), spend.reserved_usd) == (50 - len(refused), 0)
    error = refused[0]
    assert error.limit_usd == 0.05
    assert error.reserved_usd > 0
    assert error.needed_usd > 0
    assert error.spent_usd + error.reserved_usd + error.needed_usd > 0.05


@pytest.mark.parametrize("way", ["threads", *BACKENDS])
def test_whoever_may_wait_uses_the_limit_up(way: str) -> None:
    """All fifty wait for those in flight; what is left at the end is less than one call."""
    gateway = GatedGateway([PRICE], gated=False)
    with track_spend(limit_usd=0.5, on_limit="wait") as spend:
        if way == "threads":
            refused = at_once(gateway, 50, UNKNOWN)
        else:
            refused = anyio.run(at_once_async, gateway, 50, UNKNOWN, backend=way)
    assert len(gateway.billed) == 40
    assert (len(refused), spend.usd) == (10, 0.492)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("way", ["threads", *BACKENDS])
def test_a_batch_whose_prices_vary_by_three_holds_its_limit(way: str, seed: int) -> None:
    """It may be passed by what the calls in flight cost beyond their estimates, and is used to nine tenths."""
    prices = [random.Random(seed).uniform(0.004, 0.012) for _ in range(500)]
    gateway = GatedGateway(prices, gated=False)
    requests = [UNKNOWN] * 200
    options: dict[str, Any] = {"limit_usd": 0.3, "max_concurrency": 20}

    async def main() -> Any:
        return await gateway.async_client().chat.completions.batch(requests, **options)

    results = gateway.client().chat.completions.batch(requests, **options) if way == "threads" else anyio.run(main)
    refused = [result for result in results if isinstance(result, BudgetExceededError)]
    assert len(gateway.billed) == 200 - len(refused) < 200
    assert sum(gateway.billed) <= 0.3 + gateway.most_in_flight * (max(prices) - min(prices))
    assert sum(gateway.billed) >= 0.9 * 0.3
    assert refused[-1].reserved_usd == 0, "it has waited for those in flight"


def test_a_batch_costs_one_more_than_its_limit_at_most() -> None:
    gateway = GatedGateway([PRICE], gated=False)
    gateway.client().chat.completions.batch([KNOWN] * 50, limit_usd=0.05, max_concurrency=20)
    assert sum(gateway.billed) <= 0.0615


@pytest.mark.parametrize("more", [{}, {"max_completion_tokens": 4096}, {"stream": True}])
@pytest.mark.parametrize("request_", [KNOWN, UNKNOWN], ids=["known", "unknown"])
def test_calls_after_one_another_use_nine_tenths(request_: Any, more: Any) -> None:
    prices = [random.Random(7).uniform(0.004, 0.012) for _ in range(500)]
    gateway = GatedGateway(prices, gated=False)
    client = gateway.client()
    with track_spend(limit_usd=0.3) as spend, pytest.raises(BudgetExceededError):
        spend_all(client, request_, **more)
    assert 0.9 * 0.3 <= spend.usd <= 0.3 + 0.012


def test_a_limit_that_is_less_than_a_guess_allows_a_first_call() -> None:
    gateway = GatedGateway([0.0001], gated=False)
    with track_spend(limit_usd=0.0005) as spend, pytest.raises(BudgetExceededError):
        spend_all(gateway.client())
    assert spend.usd == 0.0005


def test_sums_are_exact() -> None:
    gateway = GatedGateway([0.1], gated=False)
    with track_spend(limit_usd=1.0) as spend, pytest.raises(BudgetExceededError):
        spend_all(gateway.client(), UNKNOWN)
    assert (spend.calls, spend.usd, spend.total.usd, spend.by_provider()["anthropic"].usd) == (10, 1.0, 1.0, 1.0)


# -- what a call holds ---------------------------------------------------------------------------------------------


def held(request: Any, **more: Any) -> float:
    """What a limit holds for a call, in USD, when nothing of its model has been billed."""
    gateway = GatedGateway([None])
    tracker = SpendTracker(limit_usd=100)
    thread = threading.Thread(target=ask, args=(gateway.client(spend=tracker), request), kwargs=more)
    thread.start()
    gateway.wait_for(lambda: gateway.arrived == 1)
    reserved, left = tracker.reserved_usd, tracker.remaining_usd
    gateway.open()
    thread.join()
    assert (left, tracker.reserved_usd) == (100 - reserved, 0)
    assert tracker.estimated_usd == reserved, "its cost stayed unknown"
    return reserved


def test_what_a_call_holds() -> None:
    tokens_in = 12
    assert held(KNOWN) == pytest.approx((tokens_in * 2.5 + 1024 * 10) / 1e6)
    assert held(KNOWN, max_completion_tokens=100) == pytest.approx((tokens_in * 2.5 + 100 * 10) / 1e6)
    assert held(KNOWN, max_tokens=10, n=3) == pytest.approx((tokens_in * 2.5 + 30 * 10) / 1e6)
    assert held(UNKNOWN) == pytest.approx((tokens_in * 37.5 + 1024 * 150) / 1e6)
    pool = {"messages": KNOWN["messages"], "gateway": {"models": ["gpt-4o-mini:ttft", "gpt-4o", "m"]}}
    assert held(pool) == held(KNOWN), "the dearest that is known"
    assert held(KNOWN, reserve_usd=0.25) == 0.25
    assert held(KNOWN, extra_body={"messages": [3], "n": "x"}) > 0, "what cannot be counted is judged by its length"


def test_what_a_call_of_the_responses_api_holds() -> None:
    gateway = GatedGateway([None], gated=False)
    call = {"content": "It is sunny.", "type": "message", "role": "user"}
    result = {"type": "function_call_output", "call_id": "1", "output": "It is sunny."}
    sums = []
    for given in ("It is sunny.", [call], [result]):
        with track_spend(limit_usd=1) as spend:
            gateway.client().responses.create(
                model="gpt-4o", input=given, instructions="Be brief.", max_output_tokens=10
            )
        sums.append(spend.estimated_usd)
    assert sums[0] == sums[1] == sums[2] == pytest.approx((21 * 2.5 + 10 * 10) / 1e6, rel=0.2)


def test_what_was_billed_corrects_the_estimate() -> None:
    """As the tenth call was, so the eleventh will be, whatever the directory says; longer prompts cost more."""
    gateway = GatedGateway([0.002], gated=False)
    with track_spend(limit_usd=1) as spend:
        for _ in range(10):
            ask(gateway.client())
        account = spend.account
        assert account is not None
        tenfold = {**KNOWN, "messages": KNOWN["messages"] * 10}
        estimates: list[float] = []
        for request in (KNOWN, tenfold):
            with pytest.raises(BudgetExceededError) as caught, SpendTracker(limit_usd=0).active():
                ask(gateway.client(), request)
            estimates.append(caught.value.needed_usd)
        spend.limit_usd = 0.0201
        with pytest.raises(BudgetExceededError) as caught:
            ask(gateway.client())
    assert caught.value.needed_usd == pytest.approx(0.002, rel=1e-6)
    assert estimates[0] < estimates[1]


def test_the_last_cost_is_what_an_unknown_model_will_cost() -> None:
    gateway = GatedGateway([0.002], gated=False)
    with track_spend(limit_usd=0.005) as spend:
        ask(gateway.client(), UNKNOWN)
        with pytest.raises(BudgetExceededError) as caught, SpendTracker(limit_usd=0).active():
            ask(gateway.client(), {**UNKNOWN, "model": "m2"})
        assert spend.limit_usd == 0.005
        assert caught.value.limit_usd == 0
        spend.limit_usd = 0.003
        with spend.active(), SpendTracker(limit_usd=1).active():
            ask(gateway.client(), {**UNKNOWN, "model": "m2"})
    assert spend.usd == 0.004, "nothing was in flight, and nothing of the model had been billed"


def test_an_amount_that_the_caller_names_is_kept_to() -> None:
    gateway = GatedGateway([0.001], gated=False)
    with track_spend(limit_usd=0.01) as spend:
        with pytest.raises(BudgetExceededError) as caught:
            ask(gateway.client(), reserve_usd=0.02)
        assert (caught.value.needed_usd, gateway.arrived) == (0.02, 0)
        ask(gateway.client(), reserve_usd=0.01)
    assert spend.usd == 0.001
    with pytest.raises(ValueError, match="reserve_usd must be 0 or more"):
        ask(gateway.client(), reserve_usd=-1)


# -- how a call settles --------------------------------------------------------------------------------------------


def client_of(*replies: Any, **settings: Any) -> Client:
    left = list(replies)

    def answer(_request: httpx.Request) -> httpx.Response:
        reply = left.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return httpx.Response(*reply) if isinstance(reply, tuple) else httpx.Response(200, json=reply)

    own = httpx.Client(transport=httpx.MockTransport(answer))
    return Client(api_key="k", http_client=own, **{"max_retries": 0, **settings})


def test_a_call_that_was_refused_gives_back_what_it_held() -> None:
    refusal = httpx.Response(429, json=envelope("rate_limit_error"))
    own = httpx.Client(transport=httpx.MockTransport(lambda _request: refusal))
    with track_spend(limit_usd=0.02) as spend:
        for _ in range(9):
            with pytest.raises(RateLimitError):
                ask(Client(api_key="k", http_client=own, max_retries=0))
    assert (spend.usd, spend.estimated_usd, spend.remaining_usd, spend.reserved_usd) == (0, 0, 0.02, 0)


def test_a_call_of_several_attempts_holds_once() -> None:
    """It holds as much while it tries again, and costs what its last attempt did."""
    held_meanwhile: list[float] = []
    replies: list[Any] = [httpx.Response(503, json=envelope()), httpx.Response(200, json=completion())]

    def answer(_request: httpx.Request) -> httpx.Response:
        held_meanwhile.append(spend.reserved_usd)
        return replies.pop(0)

    own = httpx.Client(transport=httpx.MockTransport(answer))
    with track_spend(limit_usd=1) as spend:
        ask(Client(api_key="k", http_client=own, max_retries=1))
    assert held_meanwhile[0] == held_meanwhile[1] > 0
    assert (spend.usd, spend.reserved_usd) == (0.00193, 0)


def test_a_call_whose_cost_stays_unknown_counts_as_its_estimate() -> None:
    with track_spend(limit_usd=0.03) as spend:
        ask(client_of(completion(routing_metadata=None)))
        with pytest.raises(APIConnectionError):
            ask(client_of(httpx.ReadTimeout("late")))
        GatedGateway([None], gated=False).client().chat.completions.create(**KNOWN, stream=True).close()
        with pytest.raises(BudgetExceededError) as caught:
            ask(client_of())
    one = pytest.approx((12 * 2.5 + 1024 * 10) / 1e6)
    first, second, third = spend.records
    assert (first.usd, second.usd) == (None, None)
    assert first.estimated_usd == second.estimated_usd == one
    assert third.status == "abandoned"
    assert (spend.usd, spend.calls, spend.unknown_cost_calls) == (0, 3, 3)
    assert caught.value.spent_usd == spend.estimated_usd == spend.total.estimated_usd
    assert spend.total.estimated_calls == 3
    assert spend.total.cost_text == "$0.03 estimated"
    assert str(spend).startswith("3 calls: $0.03 estimated, limit $0.03\n")


def test_known_estimated_and_unknown_costs_are_told_apart() -> None:
    tracker = SpendTracker(limit_usd=1)
    tracker.add(record(usd=0.25))
    tracker.add(record(usd=None, estimated_usd=0.125))
    tracker.add(record(usd=None))
    assert tracker.total.cost_text == "$0.25 + $0.125 estimated + 1 unknown"
    assert tracker.remaining_usd == 0.625
    assert tracker.records[1].to_dict()["estimated_usd"] == 0.125
    assert CallRecord.from_dict(tracker.records[1].to_dict()) == tracker.records[1]


def test_an_open_stream_holds_until_it_has_been_read() -> None:
    gateway = GatedGateway([PRICE], gated=False)
    client = gateway.client()
    with track_spend(limit_usd=0.02) as spend:
        stream = client.chat.completions.create(**KNOWN, stream=True)
        assert spend.reserved_usd > 0
        with pytest.raises(BudgetExceededError):
            ask(client)
        assert len(list(stream)) > 1
        assert (spend.usd, spend.reserved_usd) == (PRICE, 0)


# -- nested limits -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("outer_limit", "inner_limit", "named"), [(0.05, 0.02, 0.02), (0.02, 0.05, 0.02)])
def test_the_tighter_of_two_limits_names_itself(outer_limit: float, inner_limit: float, named: float) -> None:
    gateway = GatedGateway([PRICE], gated=False)
    client = gateway.client()
    with track_spend(outer_limit) as outer, track_spend(inner_limit) as inner:
        ask(client)
        with pytest.raises(BudgetExceededError) as caught:
            ask(client)
    assert (caught.value.limit_usd, outer.reserved_usd, inner.reserved_usd) == (named, 0, 0)
    assert (outer.usd, inner.usd) == (PRICE, PRICE)


def test_a_client_with_a_tracker_reserves_in_it_too() -> None:
    gateway = GatedGateway([PRICE], gated=False)
    own = SpendTracker(limit_usd=0.02)
    with track_spend(limit_usd=1), pytest.raises(BudgetExceededError) as caught:
        spend_all(gateway.client(spend=own))
    assert caught.value.limit_usd == 0.02


# -- waiting -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["threads", *BACKENDS])
def test_waiting_ends_with_the_deadline(way: str) -> None:
    gateway = GatedGateway([PRICE], gated=False)

    def waits() -> None:
        if way == "threads":
            ask(gateway.client(), deadline=0.01)
        else:
            anyio.run(lambda: ask_async(gateway.async_client(deadline=0.01)), backend=way)

    with track_spend(limit_usd=0.02, on_limit="wait"):
        stream = gateway.client().chat.completions.create(**KNOWN, stream=True)
        with pytest.raises(BudgetExceededError) as caught:
            waits()
        stream.close()
    assert caught.value.reserved_usd > 0
    assert gateway.arrived == 1


def test_a_higher_limit_lets_those_who_wait_go() -> None:
    gateway = GatedGateway([PRICE], gated=False)
    tracker = SpendTracker(limit_usd=0.02, on_limit="wait")
    client = gateway.client(spend=tracker)
    stream = client.chat.completions.create(**KNOWN, stream=True)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(ask, client)
        tracker.limit_usd = 1
        waiting.result(30)
    stream.close()
    assert gateway.arrived == 2
    tracker.limit_usd = None
    assert (tracker.remaining_usd, tracker.limit_usd) == (None, None)
    tracker.limit_usd = 0.5
    assert tracker.remaining_usd == 0.4754


def test_a_client_that_is_closed_ends_the_waiting() -> None:
    gateway = GatedGateway([PRICE], gated=False)
    tracker = SpendTracker(limit_usd=0.02, on_limit="wait")
    client = gateway.client(spend=tracker)
    stream = client.chat.completions.create(**KNOWN, stream=True)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(ask, client)
        client.close()
        client.close()
        with pytest.raises(APIConnectionError, match="closed"):
            waiting.result(30)
    stream.close()
    assert gateway.arrived == 1


@pytest.mark.parametrize("wrong", ["stop", "", None])
def test_what_may_happen_at_a_limit(wrong: Any) -> None:
    with pytest.raises(ValueError, match="on_limit is 'raise' or 'wait'"):
        track_spend(limit_usd=1, on_limit=wrong)


# -- thresholds ----------------------------------------------------------------------------------------------------


def test_a_program_is_told_when_half_and_nine_tenths_are_spent(caplog: pytest.LogCaptureFixture) -> None:
    told: list[tuple[float, float]] = []
    gateway = GatedGateway([0.1], gated=False)
    with track_spend(1.0, on_threshold=lambda spend, share: told.append((share, spend.usd))):
        for _ in range(10):
            ask(gateway.client(), UNKNOWN)
    assert told == [(0.5, 0.5), (0.9, 0.9)]
    with track_spend(0.1, on_threshold=lambda _spend, _share: 1 / 0):
        ask(gateway.client(), UNKNOWN)
    assert caplog.text.count("on_threshold failed") == 2


# -- blocks that several enter at once -----------------------------------------------------------------------------


def test_threads_that_enter_one_block_leave_each_their_own() -> None:
    block, both = track_spend(limit_usd=0.02), threading.Barrier(2)
    gateway = GatedGateway([PRICE], gated=False)
    inside: dict[int, SpendTracker] = {}

    def work(number: int) -> int:
        with block as inside[number]:
            both.wait(30)
            ask(gateway.client())
            both.wait(30)
            if number:
                both.wait(30)  # the other one leaves first
        if not number:
            both.wait(30)
        ask(gateway.client())
        ask(gateway.client())
        return inside[number].calls

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(work, range(2))) == [1, 1]
    assert inside[0] is not inside[1]


@pytest.mark.parametrize("backend", BACKENDS)
def test_tasks_that_enter_one_block_leave_each_their_own(backend: str) -> None:
    gateway = GatedGateway([PRICE], gated=False)

    async def main() -> None:
        block, entered, left = track_spend(limit_usd=0.02), anyio.Event(), anyio.Event()
        client = gateway.async_client()

        async def first() -> None:
            with block as spend:
                await entered.wait()
                await ask_async(client)
            left.set()
            await ask_async(client)
            assert spend.calls == 1

        async def second() -> None:
            with block as spend:
                entered.set()
                await left.wait()
                await ask_async(client)
            await ask_async(client)
            assert spend.calls == 1

        async with anyio.create_task_group() as group:
            group.start_soon(first)
            group.start_soon(second)

    anyio.run(main, backend=backend)


# -- any interleaving ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(50))
def test_no_interleaving_passes_the_limit_by_more_than_the_estimates_error(seed: int) -> None:
    """Calls start and settle in any order, in two limits, some unpriced, some refused; nothing is ever lost."""
    from auriko.spend._estimates import asked_of
    from auriko.spend._limits import Account, Hold, books, reserve

    chance = random.Random(seed)
    accounts = [Account(0.3, 0), Account(0.2, 0)]
    in_flight: list[tuple[Hold, list[Account], dict[Account, int]]] = []
    errors = dict.fromkeys(accounts, 0)
    for _ in range(400):
        if chance.random() < 0.6 or not in_flight:
            under = chance.choice([accounts, accounts[:1], accounts[1:]])
            try:
                hold = reserve(under, asked_of("gpt-4o", {"messages": [{"content": "Hello"}]}))
            except BudgetExceededError:
                continue
            in_flight.append((hold, under, {account: hold._amounts[account] for account in under}))
        else:
            hold, under, amounts = in_flight.pop(chance.randrange(len(in_flight)))
            kind = chance.random()
            usd = chance.uniform(0.004, 0.012) if kind < 0.8 else None
            estimate = hold.estimated_usd if 0.8 <= kind < 0.9 else None
            told = record(usd=usd, estimated_usd=estimate, completion_tokens=500)
            with books.lock:
                for account in under:
                    account.spent += told.counted_nano
                    hold.settle(account, told)
                    errors[account] += max(told.counted_nano - amounts[account], 0)
        for account in accounts:
            held = sum(amounts.get(account, 0) for _hold, _under, amounts in in_flight)
            assert account.reserved == held
            assert account.spent + account.reserved <= account._limit + errors[account]
    assert all(account.spent > 0.85 * account._limit for account in accounts)


def test_what_is_in_flight_stays_with_the_process_that_was_forked_from() -> None:
    tracker = SpendTracker(limit_usd=1)
    stream = GatedGateway([PRICE], gated=False).client(spend=tracker).chat.completions.create(**KNOWN, stream=True)
    assert tracker.reserved_usd > 0
    tracker._new_locks()
    assert tracker.reserved_usd == 0
    list(stream)
    assert (tracker.reserved_usd, tracker.usd) == (0, PRICE)


def test_a_source_of_trackers_is_asked_at_every_call() -> None:
    tracker = SpendTracker()

    def source() -> tuple[SpendTracker, ...]:
        return (tracker,)

    try:
        for _ in range(2):
            add_source(source)
        ask(GatedGateway([PRICE], gated=False).client(spend=tracker))
    finally:
        sources.remove(source)
    assert (tracker.calls, source in sources) == (1, False)


def test_what_a_call_may_cost_follows_the_latest_bills() -> None:
    """Of many bills one in eight is looked at, and of those the latest 64."""
    experience = Experience(None)
    asked = asked_of("gpt-4o", KNOWN)
    for usd in (PRICE, PRICE / 10, 2 * PRICE):
        for _ in range(64 * 8):
            experience.note(asked, record(usd=usd, completion_tokens=10))
        assert experience.most(asked) == pytest.approx(usd * 1e9, abs=1)
