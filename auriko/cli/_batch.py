"""`auriko batch`: the requests of a file, sent at once, their answers in another; killed, it goes on where it was."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any, Final

from auriko import AurikoAPIError, AuthenticationError, Client
from auriko.cli._batch_input import Request, check_requests, read_requests
from auriko.cli._batch_output import Output
from auriko.cli._console import usd
from auriko.spend import add_usd, checked_limit, json_text
from auriko.types import BatchOptions

# Errors that every further request would meet as well.
_STOPS: Final = frozenset({"insufficient_quota", "budget_exhausted", "local_budget_exceeded"})


def run(arguments: argparse.Namespace) -> int:
    """Sends what has no answer yet and prints a summary; the exit code is 0 if now every request has one."""
    if arguments.limit_usd is not None:
        checked_limit(arguments.limit_usd)
    count = check_requests(arguments.input)
    client = Client()  # refuses here, before there are any files, if there is no key
    with Output(arguments.output, retry_errors=arguments.retry_errors) as output:
        batch = _Run(arguments, client, output, count)
        try:
            batch.send()
        except KeyboardInterrupt:
            print("auriko: interrupted; the same command goes on where this one stopped", file=sys.stderr)
            return 130
        finally:
            batch.report()
        if batch.open_requests == 0:
            output.forget_journal()
        return 0 if output.totals.answered == count else 1


class _Run:
    """One run over the requests that have no answer yet."""

    def __init__(self, arguments: argparse.Namespace, client: Client, output: Output, count: int) -> None:
        self._arguments = arguments
        self._client = client
        self._output = output
        self._count = count
        self._under_way: dict[int, Request] = {}
        self._already = output.totals.usd
        self._stopped_by: Exception | None = None

    @property
    def open_requests(self) -> int:
        """The number of requests that have no line in the output."""
        return self._count - self._output.totals.answered - self._output.totals.failed

    def _bodies(self) -> Iterator[dict[str, Any]]:
        """The requests to send; each is noted as sent when it is taken."""
        numbered = 0
        for request in read_requests(self._arguments.input):
            if self._stopped_by is not None:
                return
            if not self._output.is_finished(request):
                self._under_way[numbered] = request
                numbered += 1
                self._output.start(request)
                yield request.body

    def send(self) -> None:
        """Sends them, and writes each answer when it is there."""
        limit = self._arguments.limit_usd
        options: BatchOptions = {
            "max_concurrency": self._arguments.concurrency,
            "max_per_second": self._arguments.per_second,
            "limit_usd": None if limit is None else max(limit - self._already, 0.0),
        }
        with (
            self._client as client,
            client.chat.completions.batch_as_completed(self._bodies(), **options) as results,
        ):
            for index, result in results:
                request = self._under_way.pop(index)
                if isinstance(result, Exception) and _stops(result):
                    self._stopped_by = result
                    self._output.withdraw(request)
                else:
                    self._output.finish(request, result)

    def report(self) -> None:
        """Prints what there is now."""
        totals = self._output.totals
        if self._arguments.json:
            facts = {"requests": self._count, **vars(totals), "not_sent": self.open_requests}
            print(json_text({**facts, "stopped_by": str(self._stopped_by) if self._stopped_by else None}))
            return
        parts = [f"{totals.answered} of {self._count} requests answered"]
        parts += [f"{totals.failed} failed (--retry-errors sends them again)"] if totals.failed else []
        parts += [f"{self.open_requests} not sent"] if self.open_requests else []
        cost = f"{usd(totals.usd)} in all, {usd(add_usd(totals.usd, -self._already))} in this run"
        cost += f", {totals.unknown_cost} of unknown cost" if totals.unknown_cost else ""
        print(f"{self._arguments.output}: {', '.join(parts)}\n{cost}")
        if totals.possibly_billed_twice:
            print(
                f"{totals.possibly_billed_twice} requests were under way when a run was killed and were sent again: "
                "possibly billed twice"
            )
        if self._stopped_by is not None:
            print(f"auriko: stopped: {self._stopped_by}", file=sys.stderr)


def _stops(error: Exception) -> bool:
    """True if every further request would fail as this one did."""
    return isinstance(error, AuthenticationError) or (isinstance(error, AurikoAPIError) and error.code in _STOPS)
