"""CloudEvents 1.0 as JSON: an envelope around a usage event, `id` being the id of the event."""

from __future__ import annotations

from uuid import UUID

import msgspec

from aias_core.contracts.usage import EventRejected, RejectReason

SPEC_VERSION = "1.0"
USAGE_TYPE = "aias.usage.v1"
_ABSENT = msgspec.Raw(b"null")
_MARK = b'"specversion"'


class _Envelope(msgspec.Struct, gc=False):
    specversion: str | None = None
    type: str | None = None
    id: str | None = None
    data: msgspec.Raw = _ABSENT


class _Identified(msgspec.Struct, gc=False):
    event_id: UUID


_envelope_decoder = msgspec.json.Decoder(_Envelope)
_id_decoder = msgspec.json.Decoder(_Identified)


def unwrap(line: bytes) -> bytes:
    """The event inside an envelope; a line that is none comes back as it is. Raises EventRejected for a bad one."""
    if _MARK not in line:
        return line
    try:
        envelope = _envelope_decoder.decode(line)
    except msgspec.ValidationError as exc:
        raise EventRejected(RejectReason.BAD_VALUE, f"CloudEvents: {exc}") from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise EventRejected(RejectReason.MALFORMED, "not a JSON object") from exc
    return line if envelope.specversion is None else _open(envelope)


def _open(envelope: _Envelope) -> bytes:
    if envelope.specversion != SPEC_VERSION:
        raise EventRejected(RejectReason.UNKNOWN_VERSION, f"CloudEvents, not {SPEC_VERSION}", "specversion")
    if envelope.type != USAGE_TYPE:
        raise EventRejected(RejectReason.UNKNOWN_VERSION, f"CloudEvents of another type than {USAGE_TYPE}", "type")
    for name, value in (("id", envelope.id), ("data", envelope.data)):
        if value in (None, _ABSENT):
            raise EventRejected(RejectReason.MISSING_FIELD, f"CloudEvents without `{name}`", name)
    event = bytes(envelope.data)
    if str(envelope.id).lower() != _event_id(event):
        raise EventRejected(RejectReason.BAD_VALUE, "differs from event_id", "id")
    return event


def _event_id(event: bytes) -> str:
    try:
        return str(_id_decoder.decode(event).event_id)
    except msgspec.ValidationError as exc:
        raise EventRejected(RejectReason.BAD_VALUE, f"CloudEvents data: {exc}", "data") from exc
