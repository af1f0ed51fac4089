"""The sandbox's page as a person sees it."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from auriko import Client, NotFoundError
from auriko.sandbox import Sandbox
from auriko.sandbox.catalog.file import read_catalog
from tests.support.hostile_catalog import HOSTILE, hostile_catalog

MESSAGES = [{"role": "user", "content": "The price is 40 dollars. What is the price?"}]
CONTRAST = (Path(__file__).parent / "contrast.js").read_text("utf-8")
READABLE = 4.5  # WCAG 2, level AA
MODELS = ("gpt-4o", "claude-sonnet-4-6", "gemini-2.5-flash", "llama-3.1-8b-instruct")


def ask(client: Client, model: str = "gpt-4o") -> None:
    client.chat.completions.create(model=model, messages=MESSAGES)


def page_of(sandbox: Sandbox) -> str:
    return sandbox.base_url.removesuffix("/v1") + "/"


def until(chrome, condition) -> None:
    # What is looked at may be replaced meanwhile.
    waiting = WebDriverWait(chrome, 30, poll_frequency=0.1, ignored_exceptions=[StaleElementReferenceException])
    waiting.until(lambda _: condition())


def complaints(chrome) -> list[str]:
    """What the browser has to say: errors of scripts, and what the page's policy has kept from happening."""
    return [entry["message"] for entry in chrome.get_log("browser")]


def calls(chrome) -> list:
    return chrome.find_elements(By.CSS_SELECTOR, "#calls details")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_is_there_and_readable(open_page, sandbox, client, scheme):
    sandbox.take_down("azure_openai")
    for model in MODELS:
        ask(client, model)
    chrome = open_page(page_of(sandbox), scheme)
    for name in ("totals", "time", "spend", "providers", "calls", "models"):
        assert chrome.find_element(By.ID, name).text
    bars = chrome.find_elements(By.CSS_SELECTOR, "#spend svg:first-of-type rect")
    widths = [bar.size["width"] for bar in bars]
    assert len(widths) == len(MODELS)
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 100
    calls(chrome)[0].find_element(By.TAG_NAME, "summary").click()
    lowest = chrome.execute_script(CONTRAST)
    assert lowest["ratio"] >= READABLE, lowest
    ground = chrome.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")
    assert (ground == "rgba(17, 20, 24, 1)") == (scheme == "dark")
    assert complaints(chrome) == []


def test_it_follows_what_happens(open_page, sandbox, client):
    chrome = open_page(page_of(sandbox))
    chrome.execute_script("window.loaded_once = true")
    assert calls(chrome) == []
    ask(client)
    until(chrome, lambda: len(calls(chrome)) == 1)
    call = calls(chrome)[0]
    summary = call.find_element(By.TAG_NAME, "summary")
    summary.click()
    assert "cost-focus" in call.find_element(By.TAG_NAME, "p").text
    ask(client, "claude-sonnet-4-6")
    until(chrome, lambda: len(calls(chrome)) == 2)
    assert [each.get_attribute("open") for each in calls(chrome)] == [None, "true"]
    assert chrome.execute_script("return document.activeElement.parentElement.id") == calls(chrome)[1].get_attribute(
        "id"
    )
    assert chrome.execute_script("return window.loaded_once")
    assert complaints(chrome) == []


def test_it_says_when_the_sandbox_has_gone(open_page, sandbox):
    chrome = open_page(page_of(sandbox))
    assert chrome.find_element(By.ID, "link").text == "live"
    sandbox.stop()
    until(chrome, lambda: chrome.find_element(By.ID, "link").text == "not reachable")


def test_names_that_are_markup_stay_text(open_page):
    with (
        Sandbox(engines=["quote"], catalog=read_catalog(hostile_catalog())) as sandbox,
        Client(base_url=sandbox.base_url, api_key=sandbox.api_key) as client,
    ):
        chrome = open_page(page_of(sandbox))
        ask(client, HOSTILE)
        until(chrome, lambda: len(calls(chrome)) == 1)
        assert HOSTILE in calls(chrome)[0].text
        assert chrome.execute_script("return typeof window.hacked") == "undefined"
        assert chrome.find_elements(By.TAG_NAME, "img") == []
        assert complaints(chrome) == []


def test_names_do_not_wrap(open_page, sandbox, client):
    for model in MODELS:
        ask(client, model)
    chrome = open_page(page_of(sandbox))
    names = chrome.find_elements(By.CSS_SELECTOR, "#providers th a, #models th a, #calls .who strong")
    assert len(names) > 10
    heights = {name.text: name.size["height"] for name in names}
    assert max(heights.values()) < 30, heights


def test_a_failure_is_seen_and_can_be_filtered_for(open_page, sandbox, client):
    ask(client)
    with pytest.raises(NotFoundError):
        ask(client, "no-such-model")
    chrome = open_page(page_of(sandbox))
    assert len(calls(chrome)) == 2
    assert "model_not_found" in calls(chrome)[0].text
    chrome.find_element(By.LINK_TEXT, "errors").click()
    assert chrome.current_url.endswith("?show=errors")
    assert len(calls(chrome)) == 1
    with pytest.raises(NotFoundError):
        ask(client, "no-such-model")
    ask(client)
    until(chrome, lambda: len(calls(chrome)) == 2)
    httpx.get(f"{sandbox.base_url}/nowhere")
    until(chrome, lambda: "GET /v1/nowhere" in calls(chrome)[0].text)
    assert "404" in calls(chrome)[0].text
    assert complaints(chrome) == []


@pytest.mark.parametrize("width", [360, 390, 768, 1280])
def test_nothing_sticks_out(open_page, sandbox, client, width):
    for model in MODELS:
        ask(client, model)
    chrome = open_page(page_of(sandbox), size=(width, 900))
    assert chrome.execute_script("return document.documentElement.scrollWidth") <= width
    rows = chrome.find_elements(By.CSS_SELECTOR, "#models tr")
    assert max(row.size["height"] for row in rows) < 80


def test_with_a_key_of_its_own_it_is_shown_for_the_password(open_page):
    with (
        Sandbox(api_key="ak_chosen_key", engines=["quote"]) as sandbox,
        Client(base_url=sandbox.base_url, api_key="ak_chosen_key") as client,
    ):
        chrome = open_page(page_of(sandbox).replace("://", "://anyone:ak_chosen_key@"))
        ask(client)
        until(chrome, lambda: len(calls(chrome)) == 1)
        assert "ak_chosen_key" not in chrome.page_source
