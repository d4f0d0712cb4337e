"""A Linode account through linode-api4: all pages, spread calls, patient with failures, never creating twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from linode_api4 import ApiError, LinodeClient

from aias_core import __version__
from aias_core.environments.linode.kinds import Kind, Resource, get_kind
from aias_core.environments.linode.pacing import Timing
from aias_core.environments.linode.refusals import explain_refusal
from aias_core.environments.linode.transport import AnswerLost, OnWait, Patience, Transport
from aias_core.errors import Conflict, NotFound, Partial

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

    from aias_core.secret import Secret

PAGE_SIZE = 500
GONE_SECONDS, POLL_SECONDS = 120.0, 2.0


class LinodeAccount:
    """One account and token. Not for several threads at once.

    Every method raises PrerequisiteMissing for a token that is not valid or lacks a scope, DependencyUnreachable when
    Linode was never reached, Partial after ten minutes of failures, LimitReached, NotFound, Refused, and InvalidInput
    with what Linode says of the fields. `client` is linode-api4's own, with the same pace, patience and log; a POST
    through it raises AnswerLost where `create` would look the label up.
    """

    def __init__(
        self,
        url: str,
        version: str,
        token: Secret,
        *,
        on_wait: OnWait | None = None,
        timing: Timing | None = None,
        below: BaseAdapter | None = None,
    ) -> None:
        self._timing = timing or Timing()
        self._transport = Transport(self._timing, on_wait, below)
        self.url, self.version = url.rstrip("/"), version
        self.client = LinodeClient(
            token.reveal(), base_url=f"{self.url}/{version}", user_agent=f"aias/{__version__}", retry=False
        )
        self.client.page_size = PAGE_SIZE
        session = self.client.session
        # Proxies are for the real API, plain HTTP is a fake on this machine; and no netrc may replace the token.
        session.trust_env, session.auth = self.url.startswith("https://"), lambda request: request
        for scheme in ("http://", "https://"):
            session.mount(scheme, self._transport)

    def get(self, path: str) -> Resource:
        """One document."""
        return self._call("GET", path)

    def find(self, path: str) -> Resource | None:
        """One document, or None when there is no such thing."""
        try:
            return self.get(path)
        except NotFound:
            return None

    def list_all(self, path: str, filters: Mapping[str, Any] | None = None) -> list[Resource]:
        """Every row of all pages; `filters` goes into the X-Filter header."""
        return list(self._iter_rows(path, filters))

    def count(self, path: str) -> int:
        """How many rows there are, from the smallest page."""
        return int(self._call("GET", f"{path}?page_size=25")["results"])

    def find_by_label(self, kind: str, label: str) -> Resource | None:
        """The resource of that label. Raises Conflict when there are several, which only a person can resolve."""
        found = self._list_by_label(get_kind(kind), label)
        if len(found) > 1:
            ids = ", ".join(str(one.get("id")) for one in found)
            raise Conflict(
                f"There are {len(found)} resources of kind '{kind}' called '{label}': {ids}",
                hint="delete the one that is not in use",
            )
        return found[0] if found else None

    def create(self, kind: str, body: Mapping[str, Any]) -> Resource:
        """A new resource with the label in `body`, made once even when answers are lost.

        Linode knows no idempotency keys, so after an unclear failure the label is looked up before another try. Raises
        Conflict when the label is taken by what this call did not make.
        """
        with self._transport.one_patience() as patience:
            return self._create(get_kind(kind), body, patience)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Resource:
        """An action. Raises Partial when its answer is lost: the caller must look whether it took effect."""
        try:
            return self._call("POST", path, body or {})
        except AnswerLost as lost:
            raise Partial(
                f"Whether 'POST {path}' took effect is not known: {lost.cause}", hint="run the same command again"
            ) from lost

    def update(self, path: str, body: Mapping[str, Any]) -> Resource:
        """Changes what `body` names."""
        return self._call("PUT", path, body)

    def delete(self, path: str) -> bool:
        """Deletes one; False when it was not there."""
        try:
            self._call("DELETE", path)
        except NotFound:
            return False
        return True

    def wait_until_gone(self, path: str, seconds: float = GONE_SECONDS) -> None:
        """Returns when there is no such thing any more: an answer of 200 to a deletion may only mean that it began.

        Raises Partial when it is still there after so many seconds.
        """
        waited = 0.0
        while self.find(path) is not None:
            if waited >= seconds:
                raise Partial(f"'{path}' is still there {seconds:g} s after its deletion", hint="look again later")
            self._timing.sleep(POLL_SECONDS)
            waited += POLL_SECONDS

    def token_scopes(self) -> dict[str, str]:
        """The level of each scope of the token, `read_only` or `read_write`; `*` for one that may do everything."""
        self.get("/profile")
        words = self._transport.last_headers.get("X-OAuth-Scopes", "").replace(",", " ").split()
        return {scope: level or "read_write" for scope, _, level in (word.partition(":") for word in words)}

    def _create(self, kind: Kind, body: Mapping[str, Any], patience: Patience) -> Resource:
        was_lost = False
        while True:
            try:
                return self._call("POST", kind.path, body)
            except AnswerLost as lost:
                patience.pause(lost.cause, lost.retry_after)
                was_lost = True
            except Conflict:
                if was_lost and (made := self._find_made(kind, body)):
                    return made
                raise
            if made := self._find_made(kind, body):
                return made

    def _find_made(self, kind: Kind, body: Mapping[str, Any]) -> Resource | None:
        label = str(body[kind.label_field])
        found = self.find_by_label(kind.name, label)
        if found and not set(body.get("tags") or ()) <= set(found.get("tags") or ()):
            raise Conflict(
                f"'{label}' exists and is not what was to be made: its tags differ",
                hint="rename or delete it, or give the environment another name",
            )
        return found

    def _list_by_label(self, kind: Kind, label: str) -> list[Resource]:
        filters = {kind.label_field: label} if kind.takes_filters else None
        return [row for row in self._iter_rows(kind.path, filters) if row.get(kind.label_field) == label]

    def _iter_rows(self, path: str, filters: Mapping[str, Any] | None) -> Iterator[Resource]:
        """Pages may change between reads, so a row that moved to a later page is not given twice.

        The availability of a region comes as one array without pages.
        """
        page, pages, seen = 1, 1, set()
        while page <= pages:
            answer: Any = self._call("GET", f"{path}?page={page}&page_size={PAGE_SIZE}", filters=filters)
            answer = {"data": answer, "pages": 1} if isinstance(answer, list) else answer
            pages, page = answer["pages"], page + 1
            for row in answer["data"]:
                key = _identity(row)
                if key is None or key not in seen:
                    seen.add(key)
                    yield row

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, filters: Mapping[str, Any] | None = None
    ) -> Resource:
        send = getattr(self.client, method.lower())
        try:
            answer: Resource | None = send(path, **_arguments(method, body, filters))
        except ApiError as exc:
            raise explain_refusal(exc, method, path.partition("?")[0]) from exc
        return answer or {}


def _identity(row: Resource) -> object:
    if "id" in row:
        return row["id"]
    return (row.get("region"), row.get("label") or row.get("plan")) if "region" in row else None


def _arguments(method: str, body: Mapping[str, Any] | None, filters: Mapping[str, Any] | None) -> dict[str, Any]:
    arguments: dict[str, Any] = {"filters": dict(filters)} if filters else {}
    return arguments | ({"data": dict(body or {})} if method in ("POST", "PUT") else {})
