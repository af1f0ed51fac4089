"""Chromium without a screen, and a sandbox to look at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from auriko import Client
from auriko.sandbox import Sandbox

# The connections that Chromium makes of its own accord have no place in a test.
QUIET = ("quic", "background-networking", "component-update", "sync", "default-apps", "gpu")


@pytest.fixture
def open_page(tmp_path: Path) -> Iterator[Callable[..., Chrome]]:
    """Opens an address in a browser of its own, which ends with the test; a size is a width and a height in pixels."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert browser, "Chromium is missing: make browser installs it"
    assert driver, "Chromium's driver is missing: make browser installs it"
    running: list[Chrome] = []

    def open_it(address: str, scheme: str = "light", size: tuple[int, int] = (1280, 1600)) -> Chrome:
        options = ChromeOptions()
        options.binary_location = browser
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        for argument in ("headless=new", "no-first-run", *(f"disable-{name}" for name in QUIET)):
            options.add_argument(f"--{argument}")
        options.add_argument(f"--user-data-dir={tmp_path / f'profile-{len(running)}'}")
        if os.geteuid() == 0:
            options.add_argument("--no-sandbox")  # Chromium's own sandbox does not run for root
        chrome = Chrome(options=options, service=Service(driver))
        running.append(chrome)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        chrome.get(address)
        return chrome

    yield open_it
    for chrome in running:
        chrome.quit()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(engines=["quote", "quote-slow"]) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    with Client(base_url=sandbox.base_url, api_key=sandbox.api_key) as talking:
        yield talking
