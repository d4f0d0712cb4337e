"""Terraform's plug-in protocol, over the kinds. The framework `tf` carries it; planning and faults are ours."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable
from functools import wraps
from threading import Thread
from typing import Any

import tf.provider
import tf.runner
from tf.gen import tfplugin_pb2 as protocol
from tf.iface import DataSource, Provider, Resource
from tf.schema import Schema
from tf.utils import Diagnostics, _to_attribute_path, read_dynamic_value, to_dynamic_value

from aias_core.errors import AiasError
from aias_core.settings import find_variable
from aias_services.linode_simulator.provider import schema
from aias_services.linode_simulator.provider.api import Api, ApiFault, Pace
from aias_services.linode_simulator.provider.kind import Incomplete, Kind, Source
from aias_services.linode_simulator.provider.kinds import KINDS, SOURCES
from aias_services.linode_simulator.provider.schema import BOOL, NUMBER, STRING, Argument, optional

PROVIDER: schema.Fields = {
    "token": optional(STRING, sensitive=True),
    "url": optional(STRING),
    "api_version": optional(STRING),
    "api_ca_path": optional(STRING),
    "event_poll_ms": optional(NUMBER),
    "lke_event_poll_ms": optional(NUMBER),
    "lke_node_ready_poll_ms": optional(NUMBER),
    "min_retry_delay_ms": optional(NUMBER),
    "max_retry_delay_ms": optional(NUMBER),
    "obj_use_temp_keys": optional(BOOL),
    "obj_bucket_force_delete": optional(BOOL),
    "skip_instance_ready_poll": optional(BOOL),
    "skip_instance_delete_poll": optional(BOOL),
}
DEFAULT_URL, DEFAULT_VERSION = "https://api.linode.com", "v4"


class StandIn(Provider):
    """What the framework wants to know of a provider; schemas come from the kinds."""

    def get_model_prefix(self) -> str:
        return "linode_"

    def full_name(self) -> str:
        return "registry.terraform.io/linode/linode"

    def get_provider_schema(self, diags: Diagnostics) -> Schema:
        return Schema()

    def validate_config(self, diags: Diagnostics, config: dict[str, Any]) -> None:
        return None

    def configure_provider(self, diags: Diagnostics, config: dict[str, Any]) -> None:
        return None

    def get_data_sources(self) -> list[type[DataSource]]:
        return []

    def get_resources(self) -> list[type[Resource]]:
        return []


def connect(config: dict[str, Any]) -> Api:
    """The account that the provider block and LINODE_* name. Raises ApiFault without a token."""
    token = config["token"] or find_variable("LINODE_TOKEN")
    if not token:
        raise ApiFault(401, "LINODE_TOKEN is not set")
    url = config["url"] or find_variable("LINODE_URL") or DEFAULT_URL
    version = config["api_version"] or find_variable("LINODE_API_VERSION") or DEFAULT_VERSION
    event = _seconds(config["event_poll_ms"], Pace().event)
    pace = Pace(
        event=event,
        node=_seconds(config["lke_node_ready_poll_ms"], Pace().node),
        retry=_seconds(config["min_retry_delay_ms"], min(event, Pace().retry)),
        limit=float(find_variable("LINODE_STAND_IN_WAIT_SECONDS") or Pace().limit),
    )
    return Api(url, version, token, pace, empties_buckets=bool(config["obj_bucket_force_delete"]))


def _seconds(milliseconds: float | None, otherwise: float) -> float:
    return otherwise if milliseconds is None else milliseconds / 1000


def _reports(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Turns what an operation raises into a diagnostic of its answer."""
    kind = getattr(protocol, answer.__name__)

    @wraps(answer)
    def wrapper(self: Servicer, request: Any, context: Any) -> Any:
        try:
            return answer(self, request, context)
        except (ApiFault, AiasError, ValueError) as exc:
            return kind.Response(diagnostics=_fault(str(exc)))
        except Exception:
            return kind.Response(diagnostics=_fault("The stand-in failed", traceback.format_exc()))

    return wrapper


def _fault(summary: str, detail: str = "") -> list[protocol.Diagnostic]:
    return [protocol.Diagnostic(severity=protocol.Diagnostic.ERROR, summary=summary, detail=detail)]


class Servicer(tf.provider.ProviderServicer):
    """Answers Terraform's calls."""

    _api: Api

    def StopProvider(self, request: Any, context: Any) -> Any:
        """Ends waiting, so that what was made comes into the state as incomplete, as with the real provider."""
        if hasattr(self, "_api"):
            self._api.stop()
        return protocol.StopProvider.Response()

    def GetProviderSchema(self, request: Any, context: Any) -> Any:
        return protocol.GetProviderSchema.Response(
            provider=schema.describe(PROVIDER),
            resource_schemas={name: schema.describe(kind.fields) for name, kind in KINDS.items()},
            data_source_schemas={name: schema.describe(source.fields) for name, source in SOURCES.items()},
            server_capabilities=protocol.ServerCapabilities(get_provider_schema_optional=True),
        )

    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:
        return protocol.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:
        return protocol.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:
        return protocol.ValidateDataResourceConfig.Response()

    @_reports
    def ConfigureProvider(self, request: Any, context: Any) -> Any:
        self._api = connect(schema.complete(PROVIDER, read_dynamic_value(request.config) or {}))
        return protocol.ConfigureProvider.Response()

    @_reports
    def UpgradeResourceState(self, request: Any, context: Any) -> Any:
        import json

        kind = KINDS[request.type_name]
        state = schema.complete(kind.fields, json.loads(request.raw_state.json))
        return protocol.UpgradeResourceState.Response(upgraded_state=to_dynamic_value(state))

    @_reports
    def PlanResourceChange(self, request: Any, context: Any) -> Any:
        kind = KINDS[request.type_name]
        before, proposed = read_dynamic_value(request.prior_state), read_dynamic_value(request.proposed_new_state)
        if before is None:
            planned, replaced = schema.plan_creation(kind.fields, proposed), []
        else:
            planned = schema.plan_change(kind.fields, before, proposed)
            replaced = find_replacements(kind, before, planned)
        return protocol.PlanResourceChange.Response(
            planned_state=to_dynamic_value(planned),
            requires_replace=[_to_attribute_path([name]) for name in replaced],
            legacy_type_system=kind.legacy,
        )

    @_reports
    def ApplyResourceChange(self, request: Any, context: Any) -> Any:
        kind = KINDS[request.type_name]
        before, planned = read_dynamic_value(request.prior_state), read_dynamic_value(request.planned_state)
        try:
            state = apply_change(kind, self._api, before, planned)
        except Incomplete as exc:
            return protocol.ApplyResourceChange.Response(
                new_state=_encode(kind, exc.state), diagnostics=_fault(str(exc)), legacy_type_system=kind.legacy
            )
        except (ApiFault, AiasError) as exc:
            # What was there stays in the state: Terraform forgets what an answer leaves out.
            return protocol.ApplyResourceChange.Response(
                new_state=request.prior_state, diagnostics=_fault(str(exc)), legacy_type_system=kind.legacy
            )
        return protocol.ApplyResourceChange.Response(new_state=_encode(kind, state), legacy_type_system=kind.legacy)

    @_reports
    def ReadResource(self, request: Any, context: Any) -> Any:
        kind = KINDS[request.type_name]
        state = kind.read(self._api, read_dynamic_value(request.current_state))
        return protocol.ReadResource.Response(new_state=_encode(kind, state))

    @_reports
    def ImportResourceState(self, request: Any, context: Any) -> Any:
        kind = KINDS[request.type_name]
        imported = protocol.ImportResourceState.ImportedResource(
            type_name=request.type_name, state=_encode(kind, kind.import_state(request.id))
        )
        return protocol.ImportResourceState.Response(imported_resources=[imported])

    @_reports
    def ReadDataSource(self, request: Any, context: Any) -> Any:
        source: Source = SOURCES[request.type_name]
        state = source.read(self._api, read_dynamic_value(request.config))
        return protocol.ReadDataSource.Response(state=to_dynamic_value(schema.complete(source.fields, state)))


def apply_change(kind: Kind, api: Api, before: schema.State | None, planned: schema.State | None) -> Any:
    """Creates, updates or deletes; the state afterwards."""
    if before is None:
        return kind.create(api, planned or {})
    if planned is None:
        kind.delete(api, before)
        return None
    return kind.update(api, before, planned)


def find_replacements(kind: Kind, before: schema.State, planned: schema.State) -> list[str]:
    """The changed attributes that need another resource."""
    changed = schema.changed_fields(kind.fields, before, planned)
    named = [name for name in changed if isinstance(one := kind.fields[name], Argument) and one.replaces]
    return [*named, *kind.needs_replacement(before, planned)] if changed else []


def _encode(kind: Kind, state: schema.State | None) -> Any:
    return to_dynamic_value(None if state is None else schema.complete(kind.fields, state))


class _Shutdown(tf.runner._ShutdownInterceptor):
    """Ends the server when it is told to shut down, and not already when it is asked to stop what it does."""

    def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        if handler_call_details.method.endswith("/StopProvider"):
            return continuation(handler_call_details)
        return super().intercept_service(continuation, handler_call_details)  # type: ignore[no-untyped-call]


def _end_with_input() -> None:
    """Whoever started us holds the other end, also when it is killed."""
    while os.read(0, 1024):  # not the buffer, whose lock at the end of a failed start would hide the failure
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def serve(arguments: list[str]) -> None:
    """Answers the Terraform that started this process until it says that it is done.

    With `--dev` it answers every Terraform that finds in TF_REATTACH_PROVIDERS what is then printed, until its input
    ends.
    """
    if "--dev" in arguments:
        Thread(target=_end_with_input, daemon=True).start()
    # The framework offers no other way to have its server answer for us.
    tf.provider.ProviderServicer = Servicer  # type: ignore[misc]
    tf.runner._ShutdownInterceptor = _Shutdown  # type: ignore[misc]
    tf.runner.run_provider(StandIn(), ["provider", *arguments])
