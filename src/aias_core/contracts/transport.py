"""How usage events travel: the JetStream stream, its subjects and its two durable consumers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nats.js import JetStreamContext

USAGE_STREAM = "AIAS_USAGE"
USAGE_EVENTS_SUBJECT = "aias.usage.v1.events"
HEARTBEAT_SUBJECT = "aias.usage.v1.heartbeat"
CONTROL_SUBJECT = "aias.usage.v1.control"
INGEST_CONSUMER = "analytics-ingest"
SOURCES_CONSUMER = "analytics-sources"
MESSAGE_EVENTS_LIMIT = 500
MESSAGE_BYTES_LIMIT = 900 * 1024
ACK_WAIT_SECONDS = 5


async def ensure_usage_stream(js: JetStreamContext, *, max_bytes: int = 512 * 1024**2) -> None:
    """Declares the stream and its consumers; repeating it changes nothing.

    Discard "new": a full stream refuses the publisher, whose spool keeps the event. The wait for an acknowledgement is
    short, because it delays what a killed worker had fetched; a worker that needs longer says that it is at work.
    """
    from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

    stream = StreamConfig(
        name=USAGE_STREAM,
        subjects=["aias.usage.v1.>"],
        retention=RetentionPolicy.WORK_QUEUE,
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        max_bytes=max_bytes,
        duplicate_window=120,
    )
    await js.add_stream(stream)
    common = ConsumerConfig(ack_policy=AckPolicy.EXPLICIT, ack_wait=ACK_WAIT_SECONDS, max_ack_pending=64)
    events = common.evolve(durable_name=INGEST_CONSUMER, filter_subject=USAGE_EVENTS_SUBJECT)
    sources = common.evolve(durable_name=SOURCES_CONSUMER, filter_subjects=[HEARTBEAT_SUBJECT, CONTROL_SUBJECT])
    for consumer in (events, sources):
        await js.add_consumer(USAGE_STREAM, consumer)
