"""Candidates to serve a request, as far as the public directory tells (API sections 5, 5.2 and 11.6).

The gateway decides; this says why a provider is out before it is asked, or after it has answered 400. What the
directory does not hold (measured speed, keys of your own) is not decidable here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, get_args, overload

from auriko._display.money import decimal_text
from auriko._display.table import html_table, text_table
from auriko._signature import nearest_names
from auriko.candidates._checks import CHAT, CHECKS, Finding, Query, known_params, mean_price
from auriko.models.providers import DirectoryModel, DirectoryResponse, ProviderEntry, TierEntry
from auriko.routing import RoutingOptions, split_strategy, unknown_name
from auriko.types.chat_params import ChatParams
from auriko.types.model_params import Endpoint

Verdict = Literal["qualifies", "not decidable here", "excluded"]
_ORDER: Final[tuple[Verdict, ...]] = get_args(Verdict)
_HEAD: Final = ("model", "provider", "tier", "verdict", "in $/1M", "out $/1M", "why")


class Reason(NamedTuple):
    """Why a provider is out, or may be.

    Attributes:
        code: The code of the gateway's error where this leaves nobody, or None where it fits no code.
        text: The reason in words.
    """

    code: str | None
    text: str


@dataclass(frozen=True)
class Candidate:
    """One provider's offer of a model in one service tier; prices in USD per million tokens.

    Attributes:
        model: The model's canonical id.
        provider: The provider's id; empty where the directory does not have the model.
        tier: The service tier.
        verdict: Whether the gateway could choose it.
        reasons: Why it is excluded, or what cannot be decided here.
        notes: What else the caller should know, as parameters that the provider would not be sent.
        entry: The provider's entry in the directory.
        prices: The tier's entry in the directory.
    """

    model: str
    provider: str
    tier: str
    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    notes: tuple[str, ...] = ()
    entry: ProviderEntry = field(default_factory=ProviderEntry, repr=False)
    prices: TierEntry = field(default_factory=TierEntry, repr=False)

    @property
    def input_price(self) -> float | None:
        """USD per million tokens in."""
        return self.prices.input_price

    @property
    def output_price(self) -> float | None:
        """USD per million tokens out."""
        return self.prices.output_price

    @property
    def mean_price(self) -> float | None:
        """The mean of both, which `max_cost_per_1m` is compared with."""
        return mean_price(self.prices)


class Candidates(Sequence[Candidate]):
    """Candidates, those that qualify first and the cheaper before the dearer. Printed, they are a table."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self._all = sorted(candidates, key=_rank)

    @property
    def qualifying(self) -> list[Candidate]:
        """Those that the gateway can choose."""
        return self._with("qualifies")

    @property
    def undecided(self) -> list[Candidate]:
        """Those that depend on what the directory does not hold."""
        return self._with("not decidable here")

    @property
    def excluded(self) -> list[Candidate]:
        """Those that the gateway cannot choose, each with its reasons."""
        return self._with("excluded")

    @property
    def error_code(self) -> str | None:
        """The code of the error that the gateway will most likely answer, or None while somebody may be left."""
        if len(self.excluded) < len(self):
            return None
        codes = [[reason.code for reason in candidate.reasons] for candidate in self]
        return next((code for code in codes[0] if all(code in others for others in codes)), "no_compatible_endpoint")

    def _with(self, verdict: Verdict) -> list[Candidate]:
        return [candidate for candidate in self._all if candidate.verdict == verdict]

    @overload
    def __getitem__(self, index: int) -> Candidate: ...
    @overload
    def __getitem__(self, index: slice) -> list[Candidate]: ...
    def __getitem__(self, index: int | slice) -> Candidate | list[Candidate]:
        return self._all[index]

    def __len__(self) -> int:
        return len(self._all)

    def __repr__(self) -> str:
        sizes = f"qualifying={len(self.qualifying)}, undecided={len(self.undecided)}, excluded={len(self.excluded)}"
        return f"Candidates({sizes})"

    def __str__(self) -> str:
        return text_table(_HEAD, self._rows())

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # in a terminal of IPython
        printer.text(str(self))

    def _repr_html_(self) -> str:
        return html_table(_HEAD, self._rows())

    def _rows(self) -> list[list[str]]:
        return [
            [c.model, c.provider, c.tier, c.verdict, price_text(c.input_price), price_text(c.output_price), _why(c)]
            for c in self._all
        ]


class CandidateSearch:
    """A question for candidates, checked before anything is fetched.

    Args:
        models: One model or several: ids or aliases, with or without a strategy suffix.
        routing: The routing options of the request.
        params: Names of the optional parameters that the request will have.
        endpoint: Which endpoint will be called.

    Raises:
        ValueError: No model, a wrong routing option, or a name that is no parameter of a request.
    """

    def __init__(
        self,
        *,
        models: str | Sequence[str],
        routing: RoutingOptions | Mapping[str, Any] | None = None,
        params: Iterable[str] | None = None,
        endpoint: Endpoint | None = None,
    ) -> None:
        self._names = [models] if isinstance(models, str) else list(models)
        if not self._names:
            raise ValueError("models is empty; name at least one")
        if not isinstance(routing, RoutingOptions):
            routing = RoutingOptions.model_validate(routing or {})
        asked = frozenset([params] if isinstance(params, str) else params or ())
        for name in asked:
            if name not in ChatParams.__annotations__:
                raise ValueError(unknown_name(name, ChatParams.__annotations__, "request parameter"))
        self._query = Query(routing, asked, endpoint or CHAT)

    def find(self, directory: DirectoryResponse, now: datetime) -> Candidates:
        """Every offer of the models with a verdict.

        Args:
            directory: The public directory.
            now: The present, with its time zone, that shutdowns are compared with.
        """
        query = self._query._replace(now=now)
        found: list[Candidate] = []
        for name in self._names:
            model_id, model = _look_up(directory, name)
            found += _offers(model_id, model, query) if model is not None else [_missing(model_id, directory)]
        return Candidates(found)


def _look_up(directory: DirectoryResponse, name: str) -> tuple[str, DirectoryModel | None]:
    name, _ = split_strategy(name)
    if name in directory.models:
        return name, directory.models[name]
    for model_id, model in directory.models.items():
        if name in (model.aliases or ()):
            return model_id, model
    return name, None


def _missing(name: str, directory: DirectoryResponse) -> Candidate:
    known = [known for model_id, model in directory.models.items() for known in (model_id, *(model.aliases or ()))]
    nearest = nearest_names(name, known, 3)
    hint = f"; did you mean {' or '.join(nearest)}?" if nearest else ""
    reason = Reason("model_not_found", f"the directory does not have this model{hint}")
    return Candidate(name, "", "", "excluded", (reason,))


def _offers(model_id: str, model: DirectoryModel, query: Query) -> Iterator[Candidate]:
    for entry in model.providers:
        for tier in entry.tiers or [TierEntry(name="standard")]:
            findings = [finding for check in CHECKS if (finding := check(query, entry, tier)) is not None]
            verdict, decisive = _verdict(findings)
            reasons = tuple(Reason(finding.code, finding.text) for finding in decisive)
            notes = _dropped(query, entry)
            yield Candidate(model_id, entry.provider, tier.name or "", verdict, reasons, notes, entry, tier)


def _verdict(findings: Sequence[Finding]) -> tuple[Verdict, list[Finding]]:
    excluding = [finding for finding in findings if finding.excludes]
    if excluding:
        return "excluded", excluding
    return ("not decidable here", list(findings)) if findings else ("qualifies", [])


def _dropped(query: Query, entry: ProviderEntry) -> tuple[str, ...]:
    known = known_params(entry)
    missing = sorted(query.optional_params - known) if known is not None else []
    return (f"would not be sent {', '.join(missing)}",) if missing and not query.routing.require_parameters else ()


def price_text(price: float | None) -> str:
    """A price for people."""
    return "?" if price is None else decimal_text(price)


def _why(candidate: Candidate) -> str:
    return "; ".join([*(f"{r.text} ({r.code})" if r.code else r.text for r in candidate.reasons), *candidate.notes])


def _rank(candidate: Candidate) -> tuple[int, float]:
    mean = candidate.mean_price
    return _ORDER.index(candidate.verdict), mean if mean is not None else float("inf")
