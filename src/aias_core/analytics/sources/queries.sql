-- name: store_heartbeat
-- One that comes late, after a newer one, changes nothing. A retired source that speaks again is no longer retired, and
-- one that was closed is known up to its goodbye.
INSERT INTO aias.sources AS s
    (source, state, highest_seq, published_seq, oldest_unpublished_at, oldest_in_flight_at, heartbeat_at, sealed_through)
VALUES (%(source)s, CASE WHEN %(closing)s THEN 'closed' ELSE 'active' END, %(highest_seq)s, %(published_seq)s,
    %(oldest_unpublished_at)s, %(oldest_in_flight_at)s, %(at)s, %(sealed_through)s)
ON CONFLICT (source) DO UPDATE SET state = excluded.state, highest_seq = excluded.highest_seq,
    published_seq = excluded.published_seq, oldest_unpublished_at = excluded.oldest_unpublished_at,
    oldest_in_flight_at = excluded.oldest_in_flight_at, heartbeat_at = excluded.heartbeat_at,
    settled_through = least(s.settled_through, CASE WHEN NOT %(closing)s THEN s.heartbeat_at END),
    complete_through = least(s.complete_through, CASE WHEN NOT %(closing)s THEN s.heartbeat_at END),
    sealed_through = greatest(s.sealed_through, excluded.sealed_through), retired_by = NULL, retire_reason = NULL
WHERE s.heartbeat_at <= excluded.heartbeat_at

-- name: store_total
-- Totals only grow: a smaller one is a copy that came late. Nothing of an erased organization comes back.
INSERT INTO aias.source_totals AS t (source, org_id, hour, requests, input_tokens, output_tokens, cost_pico, sealed)
SELECT %(source)s, %(org_id)s, %(hour)s, %(requests)s, %(input_tokens)s, %(output_tokens)s, %(cost_pico)s, %(sealed)s
WHERE NOT EXISTS (SELECT FROM aias.erased_subjects
    WHERE subject_kind = 'organization' AND subject_id = %(org_id)s)
ON CONFLICT (source, org_id, hour) DO UPDATE SET requests = excluded.requests, input_tokens = excluded.input_tokens,
    output_tokens = excluded.output_tokens, cost_pico = excluded.cost_pico, received_at = now(),
    sealed = excluded.sealed OR (t.sealed AND t.requests = excluded.requests)
WHERE t.requests <= excluded.requests

-- name: settle_source
-- What a heartbeat says is true of the facts once every message before it in the stream is stored. The clock of a
-- source may be ahead of ours.
UPDATE aias.sources SET settled_through = least(%(at)s, now(), %(oldest_unpublished_at)s) - %(allowance)s,
    complete_through = least(%(at)s, now(), %(oldest_in_flight_at)s) - %(allowance)s
WHERE source = %(source)s AND state <> 'closed'

-- name: settle_closed
-- Once everything before its goodbye is stored, a closed source is complete for ever, and its totals are final.
WITH reached AS (
    UPDATE aias.sources SET settled_through = 'infinity', complete_through = 'infinity'
    WHERE state = 'closed' AND complete_through IS DISTINCT FROM 'infinity'
        AND (source = ANY(%(said_goodbye)s) OR %(is_drained)s)
    RETURNING source
)
UPDATE aias.source_totals t SET sealed = true FROM reached WHERE t.source = reached.source AND NOT t.sealed

-- name: mark_silent
UPDATE aias.sources SET state = 'silent' WHERE state = 'active' AND heartbeat_at < %(heard_before)s

-- name: publish_ingest_watermarks
-- The earliest of all sources that may hold something back; where there is none, the instant the stream was found empty.
INSERT INTO aias.watermarks AS w (stage, settled_through, complete_through)
SELECT 'ingest', min(settled_through), min(complete_through)
FROM (
    SELECT settled_through, complete_through FROM aias.sources
    WHERE state <> 'retired' AND complete_through IS DISTINCT FROM 'infinity'
    UNION ALL
    SELECT %(drained_at)s::timestamptz, %(drained_at)s::timestamptz
    WHERE NOT EXISTS (
        SELECT FROM aias.sources WHERE state <> 'retired' AND complete_through IS DISTINCT FROM 'infinity')
) held
HAVING count(*) = count(settled_through)
ON CONFLICT (stage) DO UPDATE SET settled_through = greatest(w.settled_through, excluded.settled_through),
    complete_through = greatest(w.complete_through, excluded.complete_through), reported_at = now()

-- name: read_watermarks
SELECT stage, settled_through, complete_through, reported_at, clock_timestamp() FROM aias.watermarks

-- name: publish_rollup_watermarks
-- Not while a bucket waits that was queued before the ingest watermarks were read. One that is closed by the published
-- watermark is a late correction: it shows in the queue and holds nothing back.
INSERT INTO aias.watermarks AS w (stage, settled_through, complete_through)
SELECT stage, %(settled_through)s, %(complete_through)s
FROM unnest(ARRAY['rollup_hour', 'rollup_day']) AS stage
LEFT JOIN aias.watermarks published USING (stage)
WHERE NOT EXISTS (SELECT FROM aias.dirty_hours d WHERE d.enqueued_at <= %(read_at)s
    AND d.bucket_start + interval '1 hour' > coalesce(published.complete_through, '-infinity'))
    AND (stage = 'rollup_hour' OR NOT EXISTS (SELECT FROM aias.dirty_days d
        WHERE d.bucket_start + interval '1 day' > coalesce(published.complete_through, '-infinity')))
ON CONFLICT (stage) DO UPDATE SET settled_through = greatest(w.settled_through, excluded.settled_through),
    complete_through = greatest(w.complete_through, excluded.complete_through), reported_at = now()

-- name: list_sources
-- A source is silent from its last heartbeat on, also while nobody marks it.
SELECT source, CASE WHEN state = 'active' AND heartbeat_at < %(heard_before)s THEN 'silent' ELSE state END AS state,
    highest_seq, published_seq, highest_seq - published_seq AS unpublished, oldest_unpublished_at, oldest_in_flight_at,
    heartbeat_at, nullif(settled_through, 'infinity') AS settled_through,
    nullif(complete_through, 'infinity') AS complete_through, sealed_through, retired_by, retire_reason
FROM aias.sources ORDER BY source

-- name: find_gaps
-- Numbers between two known ones, of which at least one is of the window, that no fact nearby has and that were not
-- removed on purpose. Bounds on event_id, whose time is that of occurred_at within a second, let the primary key find
-- the rows.
SELECT source, seq + 1, next_seq - 1 FROM (
    SELECT source, source_seq AS seq, occurred_at, lead(source_seq) OVER by_number AS next_seq,
        lead(occurred_at) OVER by_number AS next_at
    FROM (
        SELECT source, source_seq, occurred_at FROM aias.usage_facts
        WHERE occurred_at >= %(start)s AND occurred_at < %(end)s AND event_id >= %(first_id)s AND event_id < %(last_id)s
        UNION ALL
        SELECT source, source_seq, occurred_at FROM aias.removed_events
        WHERE occurred_at >= %(start)s AND occurred_at < %(end)s
    ) known
    WHERE source IN (SELECT source FROM aias.sources)
    WINDOW by_number AS (PARTITION BY source ORDER BY source_seq)
) numbered
WHERE next_seq > seq + 1 AND ((occurred_at >= %(window_start)s AND occurred_at < %(window_end)s)
    OR (next_at >= %(window_start)s AND next_at < %(window_end)s))
ORDER BY source, seq LIMIT %(limit)s

-- name: count_found
-- How many of a run of numbers are stored after all, wherever an event could have been accepted, or were removed.
SELECT count(*) FROM (
    SELECT source_seq FROM aias.usage_facts
    WHERE source = %(source)s AND source_seq BETWEEN %(first_seq)s AND %(last_seq)s
        AND occurred_at >= %(start)s AND occurred_at < %(end)s AND event_id >= %(first_id)s AND event_id < %(last_id)s
    UNION
    SELECT source_seq FROM aias.removed_events
    WHERE source = %(source)s AND source_seq BETWEEN %(first_seq)s AND %(last_seq)s
) known

-- name: retire_source
UPDATE aias.sources SET state = 'retired', retired_by = %(by)s, retire_reason = %(reason)s
WHERE source = %(source)s AND (state = 'silent' OR (state <> 'retired' AND heartbeat_at < %(heard_before)s))
RETURNING source
