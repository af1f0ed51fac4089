"""The page of a ledger of a million calls, as a person sees it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from auriko.sandbox.live.ledger_app import LedgerPage
from auriko.sandbox.server import Server, bind
from tests.support.large_ledger import large_ledger
from tests.support.spend_calls import record

CONTRAST = (Path(__file__).parent / "contrast.js").read_text("utf-8")
READABLE = 4.5  # WCAG 2, level AA
FIRST_PAINT_MS = 1000
CALLS = 1_000_000
LONG_NAME = "17648007-f960-493a-a427-81972e4e0ef9"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory):
    ledger = large_ledger(tmp_path_factory.mktemp("ledger") / "ledger.db", CALLS, days=30)
    ledger.add(record(usd=2.0, conversation=LONG_NAME, started_at=time.time()))
    return ledger


@pytest.fixture(scope="module")
def address(ledger) -> Iterator[str]:
    async def nothing() -> None:
        pass

    listener = bind("127.0.0.1", 0)
    server = Server(LedgerPage(ledger).app(), nothing)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    server.up.wait(10)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    server.end()
    thread.join()


def shown(chrome) -> None:
    WebDriverWait(chrome, 60, poll_frequency=0.1).until(lambda _: chrome.find_elements(By.ID, "calls"))


def complaints(chrome) -> list[str]:
    return [entry["message"] for entry in chrome.get_log("browser")]


@pytest.mark.parametrize("query", ["", "?since=all"])
def test_a_million_calls_are_painted_within_a_second(open_page, address, query):
    chrome = open_page(address + query)
    shown(chrome)
    # The browser tells of a paint only after it, which may be after the page has loaded.
    first_paint = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    assert WebDriverWait(chrome, 60).until(lambda _: chrome.execute_script(first_paint)) < FIRST_PAINT_MS
    tiles = chrome.find_element(By.ID, "totals").text
    assert ("1,000,002" in tiles) == bool(query)
    assert complaints(chrome) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_is_readable_and_nothing_sticks_out(open_page, address, scheme, width):
    chrome = open_page(address, scheme, size=(width, 1600))
    shown(chrome)
    for name in ("totals", "time", "provider", "model", "tag", "conversation", "latency", "errors", "calls"):
        assert chrome.find_element(By.ID, name).text
    lowest = chrome.execute_script(CONTRAST)
    assert lowest["ratio"] >= READABLE, lowest
    assert chrome.execute_script("return document.documentElement.scrollWidth") <= width
    row = chrome.find_element(By.LINK_TEXT, LONG_NAME).find_element(By.XPATH, "./ancestor::tr")
    assert row.size["width"] <= width
    names = "return [...document.querySelectorAll('.chart .name')].map(name => name.getBBox().x)"
    assert min(chrome.execute_script(names)) >= 0


def test_it_follows_new_calls_and_filters(open_page, address, ledger):
    chrome = open_page(f"{address}?since=1h")
    shown(chrome)
    chrome.find_element(By.LINK_TEXT, "summaries").click()
    shown(chrome)
    assert "tag=summaries" in chrome.current_url
    ledger.add(record(tags=("summaries",), model="just-now", usd=0.5, started_at=time.time()))
    # What is looked at may be replaced meanwhile.
    waiting = WebDriverWait(chrome, 60, ignored_exceptions=[StaleElementReferenceException])
    waiting.until(lambda _: "just-now" in chrome.find_element(By.ID, "calls").text)
    assert complaints(chrome) == []
