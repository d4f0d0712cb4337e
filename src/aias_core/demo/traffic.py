"""Traffic of two organizations through the official OpenAI client, and the client's own account of it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

from aias_core.secret import Secret

if TYPE_CHECKING:
    from openai import OpenAI

WORKERS = 4
MODELS = ("mock-small", "mock-small", "mock-large")
QUESTIONS = ("What is the capital of France?", "Say hello, please.", "Count from one to five: 1, 2, 3, 4, 5.")


@dataclass(frozen=True, slots=True)
class Call:
    """What the client knows of one call. A failed call has no tokens; `backend` is the registered name."""

    org: str
    request_id: str
    model: str
    status: int
    input_tokens: int = 0
    output_tokens: int = 0
    backend: str | None = None


class Ledger:
    """The client's own account: each call that ended, and the id of every answer, repeated attempts included."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.request_ids: list[str] = []

    def build_client(self, router_url: str, key: Secret) -> OpenAI:
        """The official client, unmodified; it repeats by itself what the router calls repeatable."""
        from openai import DefaultHttpxClient, OpenAI

        http = DefaultHttpxClient(event_hooks={"response": [self._note_answer]}, trust_env=False)
        return OpenAI(base_url=f"{router_url}/v1", api_key=key.reveal(), timeout=30, max_retries=2, http_client=http)

    def _note_answer(self, answer: Any) -> None:
        self.request_ids.append(answer.headers["x-request-id"])


def send_calls(ledger: Ledger, router_url: str, keys: dict[str, Secret], count: int) -> Iterator[int]:
    """Sends a mix of calls, a few at once, and yields how many have ended."""
    clients = {org: ledger.build_client(router_url, key) for org, key in keys.items()}
    shapes = cycle((complete, stream, complete, stream, ask_for_unknown_model))
    plan = islice(zip(cycle(clients), shapes, cycle(QUESTIONS), cycle(MODELS), strict=False), count)
    with ThreadPoolExecutor(WORKERS) as pool:
        jobs = [pool.submit(shape, clients[org], org, question, model) for org, shape, question, model in plan]
        for done, job in enumerate(jobs, 1):
            ledger.calls.append(job.result())
            yield done


def complete(client: OpenAI, org: str, question: str, model: str) -> Call:
    """One plain completion."""
    raw = client.chat.completions.with_raw_response.create(model=model, messages=_ask(question))
    usage: Any = raw.parse().usage
    tokens = usage.prompt_tokens, usage.completion_tokens
    return Call(org, raw.headers["x-request-id"], model, 200, *tokens, raw.headers.get("x-aias-backend"))


def stream(client: OpenAI, org: str, question: str, model: str) -> Call:
    """One streamed completion, read to its end; the last chunk carries the usage that was asked for."""
    raw = client.chat.completions.with_raw_response.create(
        model=model, messages=_ask(question), stream=True, stream_options={"include_usage": True}
    )
    usage: Any = [chunk.usage for chunk in raw.parse()][-1]
    tokens = usage.prompt_tokens, usage.completion_tokens
    return Call(org, raw.headers["x-request-id"], model, 200, *tokens, raw.headers.get("x-aias-backend"))


def ask_for_unknown_model(client: OpenAI, org: str, question: str, _model: str) -> Call:
    """One call that must fail: the organization is known, the model is not."""
    from openai import NotFoundError

    try:
        client.chat.completions.create(model="no-such-model", messages=_ask(question))
    except NotFoundError as error:
        return Call(org, error.response.headers["x-request-id"], "no-such-model", error.status_code)
    raise AssertionError("a model that does not exist answered")


def _ask(question: str) -> Any:
    return [{"role": "user", "content": question}]
