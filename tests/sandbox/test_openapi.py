"""The OpenAPI document covers every endpoint and tells the truth: no generated request gets a reply outside it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from auriko.sandbox import Sandbox
from support.watched_engine import WatchedEngine

TESTS = Path(__file__).parents[1]
KEY = "ak_chosen_key"


@pytest.fixture(scope="module")
def guarded():
    """A sandbox that lets nobody in but us."""
    with Sandbox(api_key=KEY, engines=[WatchedEngine("quote"), WatchedEngine("quote-slow")]) as sandbox:
        yield sandbox


def document(sandbox: Sandbox) -> dict:
    return httpx.get(f"{sandbox.base_url.removesuffix('/v1')}/openapi.json").raise_for_status().json()


def test_every_endpoint_of_the_contract_is_there(guarded):
    paths = document(guarded)["paths"]
    assert {
        ("/v1/chat/completions", "post"),
        ("/v1/responses", "post"),
        ("/v1/models", "get"),
        ("/v1/models/{model_id}", "get"),
        ("/v1/directory/models", "get"),
        ("/v1/registry/models", "get"),
        ("/v1/registry/providers", "get"),
        ("/v1/me", "get"),
        ("/sandbox/report", "get"),
        ("/sandbox/decisions", "get"),
        ("/openapi.json", "get"),
    } <= {(path, method) for path, methods in paths.items() for method in methods}


def test_it_says_where_a_key_is_needed(guarded, sandbox):
    def needed(by):
        paths = document(by)["paths"]
        return {path for path, methods in paths.items() if any(each["security"] for each in methods.values())}

    inference = {"/v1/chat/completions", "/v1/responses", "/v1/models", "/v1/models/{model_id}", "/v1/me"}
    assert needed(sandbox) == inference
    assert needed(guarded) >= inference | {"/sandbox/report", "/sandbox/decisions"}


@pytest.mark.skipif(sys.version_info < (3, 11), reason="schemathesis needs Python 3.11")
def test_no_generated_request_fails_or_gets_a_reply_outside_the_document(guarded, tmp_path):
    """Requests by the document and against it, the same in every run; events of streams are replies, too."""
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run"),
            f"{guarded.base_url.removesuffix('/v1')}/openapi.json",
            *("--header", f"Authorization: Bearer {KEY}"),
            # Whether messages fit together, or a provider can do what is asked for, no schema says.
            *("--checks", "all", "--exclude-checks", "positive_data_acceptance"),
            *("--phases", "coverage,fuzzing", "--max-examples", "12", "--generation-deterministic"),
            *("--warnings", "off", "--no-color"),
        ],
        env={**os.environ, "SCHEMATHESIS_HOOKS": "support.openapi_requests", "PYTHONPATH": str(TESTS)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No issues found" in done.stdout
    replies = guarded.report["statuses"]
    assert replies["200"] > 250, replies
    assert replies["400"] > 300, replies
    generated = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert generated is not None, done.stdout
    assert generated[1] == generated[2]
