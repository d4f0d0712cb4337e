"""What a type of resource is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from tf.types import Unknown

from aias_core.errors import AiasError
from aias_services.linode_simulator.provider.api import Api, ApiFault, is_absent
from aias_services.linode_simulator.provider.schema import STRING, Fields, State, computed

ID = computed(STRING)


class Incomplete(Exception):
    """A resource was made and is not ready. Terraform keeps the state and marks it tainted."""

    def __init__(self, state: State, reason: str) -> None:
        super().__init__(reason)
        self.state = state


class Kind:
    """A resource that one path serves: `POST path`, then `GET`, `PUT` and `DELETE` of `path/id`.

    `parents` names the attributes inside the path, in the order in which an import gives them before the id. `sent`
    maps an attribute to the field of the body, `fixed` names those which only a creation may send. `late` says what
    failed when what follows a creation does.
    """

    name: ClassVar[str]
    fields: ClassVar[Fields]
    path: ClassVar[str]
    parents: ClassVar[tuple[str, ...]] = ()
    sent: ClassVar[Mapping[str, str]] = {}
    fixed: ClassVar[frozenset[str]] = frozenset()
    legacy: ClassVar[bool] = False
    late: ClassVar[str] = "made, but not read back"

    def create(self, api: Api, planned: State) -> State:
        """The state of what was made. Raises Incomplete when it was made and what follows failed."""
        answer = api.post(self.collection(planned), self.body(planned, creating=True))
        begun = planned | {"id": self.identify(answer)}
        try:
            return self.created(api, begun, answer)
        except (ApiFault, AiasError) as exc:
            raise Incomplete(without_unknown(begun), f"{self.late}: {exc}") from exc

    def created(self, api: Api, state: State, answer: dict[str, Any]) -> State:
        """What follows the creation: waiting, and further calls."""
        return self.flatten(api, answer, state)

    def identify(self, answer: dict[str, Any]) -> str:
        return str(answer["id"])

    def read(self, api: Api, state: State) -> State | None:
        try:
            answer = api.get(self.item(state))
        except ApiFault as fault:
            if is_absent(fault):
                return None
            raise
        return self.flatten(api, answer, state)

    def update(self, api: Api, before: State, planned: State) -> State:
        answer = api.put(self.item(before), self.body(planned, creating=False))
        return self.flatten(api, answer, planned)

    def delete(self, api: Api, state: State) -> None:
        try:
            api.delete(self.item(state))
        except ApiFault as fault:
            if not is_absent(fault):
                raise

    def import_state(self, identifier: str) -> State:
        """The state that an import begins with, which is read at once. Ids inside the path are numbers."""
        *parents, own = identifier.split(",")
        if len(parents) != len(self.parents):
            raise ValueError(f"{self.name} is imported by {','.join((*self.parents, 'id'))}")
        return {"id": own, **dict(zip(self.parents, map(int, parents), strict=True))}

    def needs_replacement(self, before: State, planned: State) -> list[str]:
        """Attributes whose change needs another resource, beside those that the schema names."""
        return []

    def collection(self, state: State) -> str:
        return self.path.format(**{name: state[name] for name in self.parents})

    def item(self, state: State) -> str:
        return f"{self.collection(state)}/{state['id']}"

    def body(self, planned: State, *, creating: bool) -> dict[str, Any]:
        """What is sent: every attribute that has a value."""
        return {
            field: planned[name]
            for name, field in self.sent.items()
            if planned[name] is not None and planned[name] is not Unknown and (creating or name not in self.fixed)
        }

    def flatten(self, api: Api, answer: dict[str, Any], state: State) -> State:
        """The state after an answer. What the API does not tell stays as it is planned or known."""
        told = {name: answer[field] for name, field in self.sent.items() if field in answer}
        own = {name: answer[name] for name in self.fields if name in answer and name != "id"}
        return {**without_unknown(state), **own, **told, "id": str(answer.get("id", state.get("id")))}


class Source(Protocol):
    """A data source."""

    name: ClassVar[str]
    fields: ClassVar[Fields]

    def read(self, api: Api, config: State) -> State: ...


def without_unknown(state: State) -> State:
    """A state in which nothing is unknown any more; what was not told is null."""
    return {name: _known(value) for name, value in state.items()}


def _known(value: Any) -> Any:
    if isinstance(value, list):
        return [_known(one) for one in value]
    if isinstance(value, dict):
        return without_unknown(value)
    return None if value is Unknown else value
