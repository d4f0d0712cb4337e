"""The simulator as one ASGI application: Linode's API, its own control, and the clusters' Kubernetes API."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aias_services.linode_simulator import access, faults, filters
from aias_services.linode_simulator.control import Control
from aias_services.linode_simulator.exchange import Answer, Request, cut, read_request, send_answer, wait
from aias_services.linode_simulator.faults import Outcome
from aias_services.linode_simulator.kubernetes.api import KubernetesApi, failed
from aias_services.linode_simulator.rates import Rates, find_ceilings
from aias_services.linode_simulator.refusals import Refusal, not_found
from aias_services.linode_simulator.resources import OPERATIONS
from aias_services.linode_simulator.resources.kubernetes_actions import shut_out
from aias_services.linode_simulator.routing import WRITE, Call, Operation, Router
from aias_services.linode_simulator.world import World

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

SPEC_VERSION = "4.229.1"
KUBERNETES = "/kubernetes/"
MOST_CALLS = 50_000
_VERSIONED = re.compile(r"/(v4|v4beta)(/.*)")
COMMON_HEADERS = {"Cache-Control": "max-age=0, no-cache, no-store", "Vary": "Authorization, X-Filter"}


class Application:
    """Answers every request of a world, one after another."""

    def __init__(self, world: World) -> None:
        self.world, self.rates = world, Rates()
        self.calls: deque[dict[str, Any]] = deque(maxlen=MOST_CALLS)
        self._router = Router(OPERATIONS)
        self._control = Control(world, self.rates, self.calls)
        self._kubernetes = KubernetesApi(world)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        outcome, answer = self.respond(await read_request(scope, receive))
        if outcome.seconds:
            await wait(receive, outcome.seconds)
        if outcome.cut:
            cut(scope)
        else:
            await send_answer(send, answer)

    def respond(self, request: Request) -> tuple[Outcome, Answer]:
        """What a request does, and its answer."""
        match = _VERSIONED.fullmatch(request.path)
        if match and self._control.owns(match[2]):
            return faults.NORMAL, self._control.answer(request, match[2])
        if match is None and not request.path.startswith(KUBERNETES):
            return faults.NORMAL, Answer.of(not_found())
        path, beta = (match[2], match[1] == "v4beta") if match else (request.path, False)
        return self.decide(request, path, beta=beta)

    def decide(self, request: Request, path: str, *, beta: bool = False) -> tuple[Outcome, Answer]:
        """Carries a call out as far as its faults let it; what it did is saved before anybody hears of it."""
        outcome = faults.next_outcome(self.world.state.faults, request.method, path)
        is_kubernetes, answer = path.startswith(KUBERNETES), Answer({})
        if not is_kubernetes:
            answer = self._carry_out(request, path, outcome, beta=beta)
        elif outcome.effect:
            served = self._kubernetes.answer(request)
            outcome, answer = (outcome, served) if served else (replace(outcome, cut=True), answer)
        if outcome.refusal:
            answer = failed(outcome.refusal) if is_kubernetes else Answer.of(outcome.refusal)
            answer.headers |= {"Retry-After": outcome.retry_after} if outcome.retry_after else {}
        if outcome.malformed:
            answer = Answer(answer.body()[:-1] + b"<", answer.status, answer.headers)
        self._save(request)
        status = None if outcome.cut else answer.status
        self.calls.append({"at": self.world.now(), "method": request.method, "path": path, "status": status})
        return outcome, answer

    def _carry_out(self, request: Request, path: str, outcome: Outcome, *, beta: bool) -> Answer:
        """The answer to a call that takes effect whole, or not at all when it is refused; each is counted."""
        headers = {"X-Spec-Version": SPEC_VERSION, **COMMON_HEADERS}
        try:
            operation, params = self._router.find(request.method, path, beta=beta)
            headers["X-Accepted-OAuth-Scopes"] = _accepted(operation)
            call = Call(self.world, params, request.query, base_url=request.base_url, beta=beta, outcome=outcome)
            call.changes = request.method in ("POST", "PUT")
            self._admit(request, path, operation, call, headers)
            if not outcome.effect:
                return Answer({})
            call.body = request.document() if call.changes else {}
            with self._whole(operation):
                answer = Answer(self._result(request, operation, call))
        except Refusal as refusal:
            answer = Answer.of(refusal)
        answer.headers = headers
        return answer

    @contextmanager
    def _whole(self, operation: Operation) -> Iterator[None]:
        """Takes back what a call did before it failed."""
        before = self.world.snapshot() if operation.level == WRITE else None
        try:
            yield
        except BaseException:
            if before is not None:
                self.world.restore(before)
            raise

    def _admit(self, request: Request, path: str, operation: Operation, call: Call, headers: dict[str, str]) -> None:
        if call.outcome.revoked:
            access.revoke(self.world, request.headers.get("authorization", ""))
        if operation.scope:
            call.token = access.authenticate(self.world, request.headers.get("authorization", ""))
            headers["X-OAuth-Scopes"] = call.token.values["scopes"]
            access.authorize(call.token, operation.scope, operation.level)
        ceilings = find_ceilings(request.method, path, paginated=operation.paginated)
        key, enforce = str(call.token.id) if call.token else "", self.world.state.settings.enforce_rates
        refusal = self.rates.count(key, ceilings, self.world.now(), enforce=enforce)
        if enforce:
            headers |= self.rates.headers(key, ceilings, self.world.now())
        if refusal:
            raise refusal

    def _result(self, request: Request, operation: Operation, call: Call) -> Any:
        result = operation.handle(call)
        if call.outcome.shut_out:
            shut_out(self.world, call.params.get("lke_cluster"))
        if not operation.paginated:
            return result
        result = result[1:] + result[:1] if call.outcome.shifted else result
        rows = filters.apply(result, request.headers.get("x-filter"), operation.filterable)
        return filters.paginate(rows, request.query)

    def _save(self, request: Request) -> None:
        if request.method != "GET" or self.world.state.faults:
            self.world.save()


def _accepted(operation: Operation) -> str:
    return f"{operation.scope}:{operation.level}" if operation.scope not in ("", "*") else "*"
