"""The fixtures, in a test suite of a user's own."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

pytest_plugins = "pytester"

USERS_TESTS = """
    import os
    import sys
    import pytest

    def test_nothing_of_the_sandbox_is_imported_before_it_is_used():
        assert "auriko.pytest_plugin" in sys.modules
        assert not {name for name in sys.modules if name.startswith(("auriko.sandbox", "uvicorn", "starlette"))}

    QUESTION = [{"role": "user", "content": "Context: The port is 4010.\\n\\nQuestion: What is the port?"}]

    def test_an_app_finds_the_sandbox_by_its_environment(auriko_sandbox):
        from auriko import Client

        with Client() as client:
            reply = client.chat.completions.create(model="gpt-4o", messages=QUESTION)
        assert "4010" in reply.choices[0].message.content
        assert auriko_sandbox.requests[-1].json["model"] == "gpt-4o"

    def test_its_invented_costs_count_in_no_ledger_and_under_no_limit(auriko_sandbox, auriko_client):
        from auriko import Client

        for client in (auriko_client, Client()):
            with client:
                client.chat.completions.create(model="gpt-4o", messages=QUESTION)
        assert len(auriko_sandbox.requests) == 2

    def test_the_environment_is_as_it_was():
        assert os.environ["AURIKO_LIMIT_USD"] == "0"
        assert not os.path.exists(os.environ["AURIKO_LEDGER"])

    @pytest.mark.auriko_faults("503;times=1")
    def test_a_fault_is_survived(auriko_client, auriko_sandbox):
        auriko_client.chat.completions.create(model="gpt-4o", messages=QUESTION)
        assert auriko_sandbox.report["statuses"] == {"200": 1, "503": 1}

    @pytest.mark.auriko_faults("503=0.5", seed=1)
    class TestFaultsOfAClass:
        @pytest.mark.parametrize("again", range(2))
        def test_the_seed_decides_whom_they_strike(self, auriko_sandbox, again):
            import httpx

            body = {"model": "gpt-4o", "messages": QUESTION}
            headers = {"Authorization": f"Bearer {auriko_sandbox.api_key}"}
            url = auriko_sandbox.base_url + "/chat/completions"
            struck = "".join(str(httpx.post(url, json=body, headers=headers).status_code)[0] for _ in range(8))
            assert struck == "52255522"

        @pytest.mark.auriko_faults("429;retry_after=0.01;times=1", "stall;after=0;seconds=0.01")
        def test_the_nearest_faults_count(self, auriko_client, auriko_sandbox):
            auriko_client.chat.completions.create(model="gpt-4o", messages=QUESTION)
            assert auriko_sandbox.report["statuses"] == {"200": 1, "429": 1}
            assert auriko_sandbox.report["retry_after"] == {"honoured": 1, "ignored": 0}
            assert [request.retry for request in auriko_sandbox.requests] == [0, 1]

    @pytest.mark.auriko_limits(daily_budget_usd=0.000001)
    def test_a_budget_is_spent(auriko_client, auriko_sandbox):
        from auriko.errors import RateLimitError

        auriko_client.chat.completions.create(model="gpt-4o", messages=QUESTION)
        with pytest.raises(RateLimitError) as caught:
            auriko_client.chat.completions.create(model="gpt-4o", messages=QUESTION)
        assert caught.value.code == "budget_exhausted"

    @pytest.mark.auriko_faults("418")
    def test_a_fault_that_is_none(auriko_sandbox):
        pass

    def test_nothing_is_left_of_it():
        assert "AURIKO_BASE_URL" not in os.environ
"""


OPTIONS = '[tool.pytest.ini_options]\naddopts = ["--strict-markers"]\nfilterwarnings = ["error"]\n'


def test_the_fixtures_serve_a_users_tests(pytester, monkeypatch):
    monkeypatch.delenv("AURIKO_BASE_URL", raising=False)
    monkeypatch.delenv("AURIKO_API_KEY", raising=False)
    monkeypatch.setenv("AURIKO_LEDGER", str(pytester.path / "ledger.db"))
    monkeypatch.setenv("AURIKO_LIMIT_USD", "0")
    pytester.makepyprojecttoml(OPTIONS)
    pytester.makepyfile(USERS_TESTS)
    # Other plugins of this machine are not part of the user's suite.
    others = [point.name for point in entry_points(group="pytest11") if point.name != "auriko"]
    done = pytester.runpytest_subprocess(*(argument for name in others for argument in ("-p", f"no:{name}")))
    done.assert_outcomes(passed=10, errors=1)
    done.stdout.fnmatch_lines(["*ValueError: '418' is not a fault; there are 408, *"])


def test_a_client_is_there(auriko_client, auriko_sandbox):
    auriko_client.chat.completions.create(model="claude-sonnet-4-6", messages=[{"role": "user", "content": "Hello!"}])
    assert len(auriko_sandbox.requests) == 1


@pytest.mark.auriko_faults("429", speed=1)
def test_an_option_that_is_none(request):
    with pytest.raises(TypeError, match="auriko_faults takes faults and a seed, not speed"):
        request.getfixturevalue("auriko_sandbox")


def test_sandboxes_of_parallel_tests_are_apart(pytester, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyprojecttoml(OPTIONS)
    pytester.makepyfile(
        """
        import httpx
        import pytest

        @pytest.mark.parametrize("number", range(6))
        def test_only_own_requests_are_seen(auriko_sandbox, number):
            for _ in range(number):
                httpx.get(auriko_sandbox.base_url + "/registry/providers")
            assert len(auriko_sandbox.requests) == number
        """
    )
    plugins = ("-p", "auriko.pytest_plugin", "-p", "xdist")
    pytester.runpytest_subprocess(*plugins, "-n", "2").assert_outcomes(passed=6)
