"""`client.models`: which models and providers there are (API section 11.6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from typing_extensions import Unpack

from auriko._caller import AsyncResource, Resource
from auriko._checks import escape
from auriko._rules.call import Call, check_names
from auriko._signature import show_parameters
from auriko.models.providers import DirectoryResponse, Model, ModelList, ModelsListResponse, ProviderList
from auriko.types.model_params import CandidateParams, Endpoint, EstimateParams

if TYPE_CHECKING:
    from auriko.candidates import Candidates
    from auriko.estimate import CostEstimate

# Public endpoints are not sent the key.
_DIRECTORY: Final = Call("GET", "/directory/models", DirectoryResponse, authenticated=False)
_REGISTRY: Final = Call("GET", "/registry/models", ModelsListResponse, authenticated=False)
_PROVIDERS: Final = Call("GET", "/registry/providers", ProviderList, authenticated=False)


def _list_call(endpoint: Endpoint | None) -> Call[ModelList]:
    return Call("GET", "/models", ModelList, query={"endpoint": endpoint} if endpoint else {})


def _retrieve_call(model_id: str) -> Call[Model]:
    if not model_id:
        raise ValueError("model_id is empty")
    return Call("GET", f"/models/{escape(model_id)}", Model)


def _search(params: Any) -> Callable[[DirectoryResponse], Candidates]:
    from auriko.candidates import CandidateSearch

    check_names(params, CandidateParams, "candidates")
    search = CandidateSearch(**params)
    return lambda directory: search.find(directory, datetime.now(timezone.utc))


def _estimator(params: Any) -> Callable[[DirectoryResponse], CostEstimate]:
    from auriko.estimate import CostEstimator

    check_names(params, EstimateParams, "estimate_cost")
    estimator = CostEstimator(**params)
    return lambda directory: estimator.estimate(directory, datetime.now(timezone.utc))


class Models(Resource):
    """The models and providers on offer."""

    def list(self, *, endpoint: Endpoint | None = None) -> ModelList:
        """The models that the key in use can call; `endpoint="responses"` adds those of the Responses API."""
        return self._caller.request(_list_call(endpoint))

    def retrieve(self, model_id: str) -> Model:
        """One callable model, by its id or an alias."""
        return self._caller.request(_retrieve_call(model_id))

    def list_directory(self) -> DirectoryResponse:
        """The whole catalogue by model id, with every provider's prices. Public."""
        return self._caller.request(_DIRECTORY)

    def list_registry(self) -> ModelsListResponse:
        """The canonical models. Public."""
        return self._caller.request(_REGISTRY)

    def list_providers(self) -> ProviderList:
        """The providers. Public."""
        return self._caller.request(_PROVIDERS)

    def candidates(self, **params: Unpack[CandidateParams]) -> Candidates:
        """The candidates to serve a request, and why others could not, as far as the public directory tells.

        `models` is one model or a list, `routing` the routing options, `params` the names of the optional parameters
        that the request will have. What the directory does not hold, such as latency, is `not decidable here`.

        Raises:
            ValueError: No model, a wrong routing option, or a name that is no parameter of a request.
        """
        search = _search(params)
        return search(self.list_directory())

    def estimate_cost(self, **params: Unpack[EstimateParams]) -> CostEstimate:
        """The least and the most that a prompt will cost, in USD, over its candidates and before it is sent.

        `messages` is a text or a list of messages. `output_tokens` is what you expect back, as a number or as the
        least and the most; without it `max_completion_tokens` is the most, and without that the provider's own limit.

        Raises:
            ValueError: As for `candidates`.
        """
        estimator = _estimator(params)
        return estimator(self.list_directory())


class AsyncModels(AsyncResource):
    """The models and providers on offer, awaited."""

    async def list(self, *, endpoint: Endpoint | None = None) -> ModelList:
        """The models that the key in use can call; `endpoint="responses"` adds those of the Responses API."""
        return await self._caller.request(_list_call(endpoint))

    async def retrieve(self, model_id: str) -> Model:
        """One callable model, by its id or an alias."""
        return await self._caller.request(_retrieve_call(model_id))

    async def list_directory(self) -> DirectoryResponse:
        """The whole catalogue by model id, with every provider's prices. Public."""
        return await self._caller.request(_DIRECTORY)

    async def list_registry(self) -> ModelsListResponse:
        """The canonical models. Public."""
        return await self._caller.request(_REGISTRY)

    async def list_providers(self) -> ProviderList:
        """The providers. Public."""
        return await self._caller.request(_PROVIDERS)

    async def candidates(self, **params: Unpack[CandidateParams]) -> Candidates:
        """The candidates to serve a request; as `Models.candidates`."""
        search = _search(params)
        return search(await self.list_directory())

    async def estimate_cost(self, **params: Unpack[EstimateParams]) -> CostEstimate:
        """The least and the most that a prompt will cost; as `Models.estimate_cost`."""
        estimator = _estimator(params)
        return estimator(await self.list_directory())


show_parameters(Models.candidates, CandidateParams)
show_parameters(Models.estimate_cost, EstimateParams)
show_parameters(AsyncModels.candidates, CandidateParams)
show_parameters(AsyncModels.estimate_cost, EstimateParams)
