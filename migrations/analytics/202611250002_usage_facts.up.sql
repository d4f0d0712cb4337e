-- aias: phase = expand
-- aias: author = platform
-- aias: risk = New tables only; nothing exists that could wait

CREATE TABLE aias.event_receipts (
    event_id uuid NOT NULL,
    org_id uuid NOT NULL,
    digest bigint NOT NULL,
    received_at timestamptz NOT NULL,
    batch_id uuid NOT NULL,
    CONSTRAINT event_receipts_pkey PRIMARY KEY (event_id, org_id)
) PARTITION BY RANGE (event_id);

ALTER TABLE aias.event_receipts ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.event_receipts FORCE ROW LEVEL SECURITY;
CREATE POLICY event_receipts_platform ON aias.event_receipts TO aias_analytics, aias_owner
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON aias.event_receipts TO aias_analytics;

COMMENT ON TABLE aias.event_receipts
    IS 'One row per stored event: uniqueness of (event_id, org_id) whatever the partition of the fact';
COMMENT ON COLUMN aias.event_receipts.event_id IS 'The event; a UUIDv7, whose leading bits are its time';
COMMENT ON COLUMN aias.event_receipts.org_id IS 'The organization';
COMMENT ON COLUMN aias.event_receipts.digest
    IS 'First 64 bits of the SHA-256 of the event, to tell a copy from a conflict';
COMMENT ON COLUMN aias.event_receipts.received_at IS 'When it was stored';
COMMENT ON COLUMN aias.event_receipts.batch_id IS 'The batch that stored it';

CREATE TABLE aias.usage_series (
    series_id bigint GENERATED ALWAYS AS IDENTITY,
    org_id uuid NOT NULL,
    project_id uuid,
    api_key_id uuid,
    model_id uuid,
    operation text NOT NULL,
    region text NOT NULL,
    currency char(3) NOT NULL,
    price_id uuid,
    CONSTRAINT usage_series_pkey PRIMARY KEY (series_id),
    CONSTRAINT usage_series_dimensions_key UNIQUE NULLS NOT DISTINCT
        (org_id, project_id, api_key_id, model_id, operation, region, currency, price_id)
);

ALTER TABLE aias.usage_series ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.usage_series FORCE ROW LEVEL SECURITY;
CREATE POLICY usage_series_platform ON aias.usage_series TO aias_analytics, aias_owner USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON aias.usage_series TO aias_analytics;

COMMENT ON TABLE aias.usage_series
    IS 'Each combination of dimensions that facts were seen with, numbered, so that rollups group by one number';
COMMENT ON COLUMN aias.usage_series.series_id IS 'Number of the combination';
COMMENT ON COLUMN aias.usage_series.org_id IS 'Organization that made the requests';
COMMENT ON COLUMN aias.usage_series.project_id IS 'Project of the key, if it has one';
COMMENT ON COLUMN aias.usage_series.api_key_id IS 'Key that made the requests, if one did';
COMMENT ON COLUMN aias.usage_series.model_id IS 'Model; null when the requests ended before one was resolved';
COMMENT ON COLUMN aias.usage_series.operation IS 'chat, completion, embedding or other';
COMMENT ON COLUMN aias.usage_series.region IS 'Region that served the requests';
COMMENT ON COLUMN aias.usage_series.currency IS 'ISO 4217 code of the cost';
COMMENT ON COLUMN aias.usage_series.price_id IS 'Price row of the cost, if it was billable';

CREATE TABLE aias.usage_facts (
    event_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    org_id uuid NOT NULL,
    project_id uuid,
    api_key_id uuid,
    actor_id uuid,
    model_id uuid,
    model_revision int,
    model_requested text,
    operation text NOT NULL,
    status text,
    http_status smallint,
    error_code text,
    duration_ms int,
    ttft_ms int,
    backend_ms int,
    input_tokens int NOT NULL,
    cached_input_tokens int NOT NULL,
    output_tokens int NOT NULL,
    reasoning_tokens int NOT NULL,
    token_source text,
    billable bool NOT NULL,
    currency char(3) NOT NULL,
    price_id uuid,
    cost_pico bigint NOT NULL,
    streamed bool NOT NULL,
    attempts smallint NOT NULL,
    route text NOT NULL,
    region text NOT NULL,
    backend_id text,
    client text,
    end_user_hash text,
    trace_id text,
    lease_id uuid,
    source text,
    source_seq bigint,
    labels jsonb NOT NULL,
    latency_bucket smallint,
    ttft_bucket smallint,
    received_at timestamptz NOT NULL,
    batch_id uuid NOT NULL,
    late bool NOT NULL,
    kind text NOT NULL DEFAULT 'usage',
    cost_check text NOT NULL DEFAULT 'pending',
    ref_event_id uuid,
    reason text,
    series_id bigint NOT NULL,
    CONSTRAINT usage_facts_pkey PRIMARY KEY (event_id, org_id, occurred_at),
    CONSTRAINT usage_facts_kind_check CHECK (kind IN ('usage', 'adjustment')),
    CONSTRAINT usage_facts_operation_check CHECK (operation IN ('chat', 'completion', 'embedding', 'other')),
    CONSTRAINT usage_facts_status_check
        CHECK (status IN ('success', 'error', 'timeout', 'throttled', 'cancelled', 'rejected')),
    CONSTRAINT usage_facts_token_source_check CHECK (token_source IN ('reported', 'counted', 'estimated')),
    CONSTRAINT usage_facts_route_check CHECK (route IN ('primary', 'failover', 'override')),
    CONSTRAINT usage_facts_cost_check_check CHECK (cost_check IN ('ok', 'pending', 'mismatch')),
    CONSTRAINT usage_facts_http_status_check CHECK (http_status BETWEEN 100 AND 599),
    CONSTRAINT usage_facts_duration_ms_check CHECK (duration_ms >= 0),
    CONSTRAINT usage_facts_ttft_ms_check CHECK (ttft_ms BETWEEN 0 AND duration_ms),
    CONSTRAINT usage_facts_cached_input_tokens_check CHECK (cached_input_tokens BETWEEN 0 AND input_tokens),
    CONSTRAINT usage_facts_reasoning_tokens_check CHECK (reasoning_tokens BETWEEN 0 AND output_tokens),
    CONSTRAINT usage_facts_cost_pico_check
        CHECK (kind = 'adjustment' OR (cost_pico >= 0 AND (billable OR cost_pico = 0))),
    CONSTRAINT usage_facts_price_id_check CHECK (kind = 'adjustment' OR price_id IS NOT NULL OR NOT billable),
    CONSTRAINT usage_facts_usage_check
        CHECK (kind <> 'usage' OR num_nulls(status, http_status, duration_ms, token_source, source, source_seq,
            latency_bucket) = 0),
    CONSTRAINT usage_facts_adjustment_check
        CHECK (kind <> 'adjustment' OR (reason IS NOT NULL AND status IS NULL AND price_id IS NULL AND input_tokens +
            output_tokens = 0))
) PARTITION BY RANGE (occurred_at);
CREATE INDEX usage_facts_org_id_occurred_at_idx ON aias.usage_facts (org_id, occurred_at);
CREATE INDEX usage_facts_received_at_idx ON aias.usage_facts USING brin (received_at);
CREATE INDEX usage_facts_cost_check_idx ON aias.usage_facts (price_id) WHERE cost_check <> 'ok';
CREATE TABLE aias.usage_facts_default PARTITION OF aias.usage_facts DEFAULT;
ALTER TABLE aias.usage_facts_default ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.usage_facts_default FORCE ROW LEVEL SECURITY;
CREATE POLICY usage_facts_default_platform ON aias.usage_facts_default TO aias_owner USING (true) WITH CHECK (true);

ALTER TABLE aias.usage_facts ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.usage_facts FORCE ROW LEVEL SECURITY;
CREATE POLICY usage_facts_tenant ON aias.usage_facts FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY usage_facts_platform ON aias.usage_facts TO aias_analytics, aias_owner USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON aias.usage_facts TO aias_analytics;
GRANT SELECT (
    event_id, occurred_at, org_id, project_id, api_key_id, actor_id, model_id, model_revision, model_requested,
    operation, status, http_status, error_code, duration_ms, ttft_ms, backend_ms, input_tokens, cached_input_tokens,
    output_tokens, reasoning_tokens, token_source, billable, currency, price_id, cost_pico, streamed, attempts,
    route, region, backend_id, client, trace_id, lease_id, source, source_seq, labels, latency_bucket, ttft_bucket,
    received_at, batch_id, late, kind, cost_check, ref_event_id, reason
) ON aias.usage_facts TO aias_reader;

COMMENT ON TABLE aias.usage_facts IS 'One row per admitted request or adjustment, exactly once, never changed';
COMMENT ON COLUMN aias.usage_facts.event_id IS 'The event; the request id in headers, logs and traces';
COMMENT ON COLUMN aias.usage_facts.occurred_at
    IS 'When the request was admitted; decides bucket, budget window and month';
COMMENT ON COLUMN aias.usage_facts.org_id IS 'The organization that called';
COMMENT ON COLUMN aias.usage_facts.project_id IS 'The project of the key';
COMMENT ON COLUMN aias.usage_facts.api_key_id IS 'The key';
COMMENT ON COLUMN aias.usage_facts.actor_id IS 'The person or service account behind the key';
COMMENT ON COLUMN aias.usage_facts.model_id IS 'The model; null if the request ended before one was found';
COMMENT ON COLUMN aias.usage_facts.model_revision IS 'The revision that served it';
COMMENT ON COLUMN aias.usage_facts.model_requested IS 'The name the client sent';
COMMENT ON COLUMN aias.usage_facts.operation IS 'chat, completion, embedding or other';
COMMENT ON COLUMN aias.usage_facts.status IS 'How it ended; null on adjustments';
COMMENT ON COLUMN aias.usage_facts.http_status IS 'Status of the answer; null on adjustments';
COMMENT ON COLUMN aias.usage_facts.error_code IS 'What went wrong';
COMMENT ON COLUMN aias.usage_facts.duration_ms IS 'From admission to the last byte; null on adjustments';
COMMENT ON COLUMN aias.usage_facts.ttft_ms IS 'From admission to the first byte of the answer';
COMMENT ON COLUMN aias.usage_facts.backend_ms IS 'Time the backend took';
COMMENT ON COLUMN aias.usage_facts.input_tokens IS 'Tokens of the prompt, cached ones included';
COMMENT ON COLUMN aias.usage_facts.cached_input_tokens IS 'Tokens of the prompt found in the backend''s cache';
COMMENT ON COLUMN aias.usage_facts.output_tokens IS 'Tokens of the answer, reasoning included';
COMMENT ON COLUMN aias.usage_facts.reasoning_tokens IS 'Tokens of the answer spent on reasoning';
COMMENT ON COLUMN aias.usage_facts.token_source IS 'How the counts are known: reported, counted or estimated';
COMMENT ON COLUMN aias.usage_facts.billable IS 'Whether it costs';
COMMENT ON COLUMN aias.usage_facts.currency IS 'Currency of the cost';
COMMENT ON COLUMN aias.usage_facts.price_id IS 'The price row in force at admission';
COMMENT ON COLUMN aias.usage_facts.cost_pico
    IS 'Exact cost in pico-units of currency, by the price row price_id; negative only on adjustments';
COMMENT ON COLUMN aias.usage_facts.streamed IS 'Whether the answer was streamed';
COMMENT ON COLUMN aias.usage_facts.attempts IS 'Backends tried';
COMMENT ON COLUMN aias.usage_facts.route IS 'primary, failover or override';
COMMENT ON COLUMN aias.usage_facts.region IS 'Region of the router';
COMMENT ON COLUMN aias.usage_facts.backend_id IS 'The backend that answered';
COMMENT ON COLUMN aias.usage_facts.client IS 'Family and version of the client library';
COMMENT ON COLUMN aias.usage_facts.end_user_hash IS 'Keyed hash of the client''s own user field';
COMMENT ON COLUMN aias.usage_facts.trace_id IS 'The trace';
COMMENT ON COLUMN aias.usage_facts.lease_id IS 'Lease of the tightest budget';
COMMENT ON COLUMN aias.usage_facts.source IS 'The router worker; null on adjustments';
COMMENT ON COLUMN aias.usage_facts.source_seq IS 'Its gapless counter; null on adjustments';
COMMENT ON COLUMN aias.usage_facts.labels IS 'The client''s own labels, up to 16';
COMMENT ON COLUMN aias.usage_facts.latency_bucket
    IS 'Log-histogram bucket of duration_ms, computed once at ingest; null on adjustments';
COMMENT ON COLUMN aias.usage_facts.ttft_bucket IS 'Log-histogram bucket of ttft_ms';
COMMENT ON COLUMN aias.usage_facts.received_at IS 'When it was stored';
COMMENT ON COLUMN aias.usage_facts.batch_id IS 'The batch that stored it';
COMMENT ON COLUMN aias.usage_facts.late IS 'Whether it came more than 15 minutes after it occurred';
COMMENT ON COLUMN aias.usage_facts.kind IS 'usage, or adjustment (credit, refund, dispute)';
COMMENT ON COLUMN aias.usage_facts.series_id IS 'Number of its combination of dimensions in usage_series';
COMMENT ON COLUMN aias.usage_facts.cost_check
    IS 'Whether the cost follows the price row: ok, pending (row not known yet) or mismatch';
COMMENT ON COLUMN aias.usage_facts.ref_event_id IS 'The event an adjustment corrects';
COMMENT ON COLUMN aias.usage_facts.reason IS 'Why an adjustment was made';

GRANT UPDATE (cost_check) ON aias.usage_facts TO aias_analytics;

CREATE FUNCTION aias.guard_usage_fact() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    v_changed text[];
BEGIN
    IF TG_OP = 'UPDATE' THEN
        v_changed := ARRAY(SELECT n.key FROM jsonb_each(to_jsonb(NEW)) n
            WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key);
        IF v_changed <@ ARRAY['cost_check']
            OR v_changed <@ ARRAY['actor_id', 'api_key_id', 'end_user_hash', 'labels', 'client'] AND EXISTS (
                SELECT FROM aias.erased_subjects
                WHERE subject_kind <> 'organization' AND subject_id IN (OLD.actor_id, OLD.api_key_id))
        THEN
            RETURN NEW;
        END IF;
    ELSIF TG_OP = 'DELETE' AND (aias.is_seed_id(OLD.org_id) OR EXISTS (
        SELECT FROM aias.erased_subjects WHERE subject_kind = 'organization' AND subject_id = OLD.org_id))
    THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'usage_facts is append-only'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'usage_facts_append_only_tg';
END
$$;
REVOKE ALL ON FUNCTION aias.guard_usage_fact() FROM PUBLIC;
COMMENT ON FUNCTION aias.guard_usage_fact()
    IS 'Refuses every change of a fact but the verdict on its cost and the removal of erased and of seeded subjects';

CREATE TRIGGER usage_facts_append_only_tg BEFORE UPDATE OR DELETE ON aias.usage_facts
    FOR EACH ROW EXECUTE FUNCTION aias.guard_usage_fact();
CREATE TRIGGER usage_facts_kept_tg BEFORE TRUNCATE ON aias.usage_facts
    FOR EACH STATEMENT EXECUTE FUNCTION aias.refuse_change();

CREATE TABLE aias.ingest_batches (
    batch_id uuid NOT NULL,
    source text NOT NULL,
    committed_at timestamptz NOT NULL,
    accepted int NOT NULL,
    duplicate int NOT NULL,
    late int NOT NULL,
    rejected int NOT NULL,
    started_at timestamptz,
    stream_seq_first bigint,
    stream_seq_last bigint,
    worker text,
    retries int NOT NULL DEFAULT 0,
    CONSTRAINT ingest_batches_pkey PRIMARY KEY (batch_id)
);
CREATE INDEX ingest_batches_committed_at_idx ON aias.ingest_batches (committed_at);

GRANT SELECT, INSERT ON aias.ingest_batches TO aias_analytics;

COMMENT ON TABLE aias.ingest_batches IS 'One row per committed ingest transaction';
COMMENT ON COLUMN aias.ingest_batches.batch_id IS 'The batch; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.ingest_batches.source IS 'Where it came from: the stream or a file';
COMMENT ON COLUMN aias.ingest_batches.committed_at IS 'When it was committed';
COMMENT ON COLUMN aias.ingest_batches.accepted IS 'Events stored';
COMMENT ON COLUMN aias.ingest_batches.duplicate IS 'Copies of events that were stored before';
COMMENT ON COLUMN aias.ingest_batches.late IS 'Accepted ones that were late';
COMMENT ON COLUMN aias.ingest_batches.rejected IS 'Events that became dead letters';
COMMENT ON COLUMN aias.ingest_batches.started_at IS 'When work on it began';
COMMENT ON COLUMN aias.ingest_batches.stream_seq_first IS 'First message of the stream in it';
COMMENT ON COLUMN aias.ingest_batches.stream_seq_last IS 'Last message of the stream in it';
COMMENT ON COLUMN aias.ingest_batches.worker IS 'The process that stored it';
COMMENT ON COLUMN aias.ingest_batches.retries IS 'How often it was tried before';

CREATE TABLE aias.dead_letters (
    letter_id uuid NOT NULL,
    reason text NOT NULL,
    field text,
    detail text NOT NULL,
    payload bytea NOT NULL,
    source text NOT NULL,
    received_at timestamptz NOT NULL,
    batch_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'open',
    dropped_by text,
    drop_reason text,
    closed_at timestamptz,
    CONSTRAINT dead_letters_pkey PRIMARY KEY (letter_id),
    CONSTRAINT dead_letters_state_check CHECK (state IN ('open', 'replayed', 'dropped')),
    CONSTRAINT dead_letters_drop_reason_check CHECK ((dropped_by IS NULL) = (drop_reason IS NULL))
);
CREATE INDEX dead_letters_open_idx ON aias.dead_letters (received_at) WHERE state = 'open';
CREATE UNIQUE INDEX dead_letters_payload_reason_idx ON aias.dead_letters (sha256(payload), reason)
    WHERE state = 'open';
CREATE INDEX dead_letters_received_at_idx ON aias.dead_letters (received_at);

GRANT SELECT, INSERT, UPDATE ON aias.dead_letters TO aias_analytics;

COMMENT ON TABLE aias.dead_letters IS 'Events that the contract refuses, with the reason';
COMMENT ON COLUMN aias.dead_letters.letter_id IS 'The letter; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.dead_letters.reason IS 'Why it was refused, as a code';
COMMENT ON COLUMN aias.dead_letters.field IS 'The field at fault';
COMMENT ON COLUMN aias.dead_letters.detail IS 'What is wrong with it, without its value';
COMMENT ON COLUMN aias.dead_letters.payload IS 'The event as it came';
COMMENT ON COLUMN aias.dead_letters.source IS 'Where it came from';
COMMENT ON COLUMN aias.dead_letters.received_at IS 'When it came';
COMMENT ON COLUMN aias.dead_letters.batch_id IS 'The batch it was part of';
COMMENT ON COLUMN aias.dead_letters.state IS 'open, replayed or dropped';
COMMENT ON COLUMN aias.dead_letters.dropped_by IS 'Principal that dropped it';
COMMENT ON COLUMN aias.dead_letters.drop_reason IS 'Why it was dropped';
COMMENT ON COLUMN aias.dead_letters.closed_at IS 'When it was replayed or dropped';

CREATE TABLE aias.sources (
    source text NOT NULL,
    state text NOT NULL DEFAULT 'active',
    highest_seq bigint NOT NULL DEFAULT 0,
    published_seq bigint NOT NULL DEFAULT 0,
    oldest_unpublished_at timestamptz,
    oldest_in_flight_at timestamptz,
    heartbeat_at timestamptz NOT NULL,
    retired_by text,
    retire_reason text,
    settled_through timestamptz,
    complete_through timestamptz,
    sealed_through timestamptz,
    CONSTRAINT sources_pkey PRIMARY KEY (source),
    CONSTRAINT sources_state_check CHECK (state IN ('active', 'silent', 'closed', 'retired')),
    CONSTRAINT sources_published_seq_check CHECK (published_seq <= highest_seq),
    CONSTRAINT sources_retired_by_check CHECK ((state = 'retired') = (retired_by IS NOT NULL))
);
CREATE INDEX sources_heartbeat_at_idx ON aias.sources (heartbeat_at);

GRANT SELECT, INSERT, UPDATE ON aias.sources TO aias_analytics;

COMMENT ON TABLE aias.sources IS 'Router workers and what their heartbeats say';
COMMENT ON COLUMN aias.sources.source IS 'The worker';
COMMENT ON COLUMN aias.sources.state IS 'active, silent, closed or retired';
COMMENT ON COLUMN aias.sources.highest_seq IS 'Highest number it gave';
COMMENT ON COLUMN aias.sources.published_seq IS 'Highest number it published';
COMMENT ON COLUMN aias.sources.oldest_unpublished_at IS 'When its oldest unpublished request ended';
COMMENT ON COLUMN aias.sources.oldest_in_flight_at
    IS 'When the oldest of its requests that run or are not published was admitted';
COMMENT ON COLUMN aias.sources.heartbeat_at IS 'When it last spoke';
COMMENT ON COLUMN aias.sources.retired_by IS 'Principal that retired it';
COMMENT ON COLUMN aias.sources.retire_reason IS 'Why it was retired';
COMMENT ON COLUMN aias.sources.settled_through
    IS 'Every request of it that ended before is stored; null until its first heartbeat is reached';
COMMENT ON COLUMN aias.sources.complete_through
    IS 'Every request of it that was admitted before has ended and is stored';
COMMENT ON COLUMN aias.sources.sealed_through IS 'Hours that end by then are sealed and in source_totals';

CREATE TABLE aias.source_totals (
    source text NOT NULL,
    org_id uuid NOT NULL,
    hour timestamptz NOT NULL,
    requests bigint NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cost_pico numeric(38,0) NOT NULL,
    sealed bool NOT NULL DEFAULT false,
    received_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT source_totals_pkey PRIMARY KEY (source, org_id, hour)
);
CREATE INDEX source_totals_hour_org_id_idx ON aias.source_totals (hour, org_id);

ALTER TABLE aias.source_totals ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.source_totals FORCE ROW LEVEL SECURITY;
CREATE POLICY source_totals_tenant ON aias.source_totals FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY source_totals_platform ON aias.source_totals TO aias_analytics, aias_owner USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON aias.source_totals TO aias_analytics;
GRANT SELECT ON aias.source_totals TO aias_reader;

COMMENT ON TABLE aias.source_totals IS 'What each worker says it sent, by organization and hour';
COMMENT ON COLUMN aias.source_totals.source IS 'The worker';
COMMENT ON COLUMN aias.source_totals.org_id IS 'The organization';
COMMENT ON COLUMN aias.source_totals.hour IS 'The hour, UTC';
COMMENT ON COLUMN aias.source_totals.requests IS 'Requests it settled';
COMMENT ON COLUMN aias.source_totals.input_tokens IS 'Their prompt tokens';
COMMENT ON COLUMN aias.source_totals.output_tokens IS 'Their answer tokens';
COMMENT ON COLUMN aias.source_totals.cost_pico IS 'Their cost in pico-units';
COMMENT ON COLUMN aias.source_totals.sealed IS 'Whether nothing of the hour can come any more';
COMMENT ON COLUMN aias.source_totals.received_at IS 'When it said so';

CREATE TABLE aias.dirty_hours (
    bucket_start timestamptz NOT NULL,
    org_id uuid NOT NULL,
    cause uuid NOT NULL,
    enqueued_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX dirty_hours_bucket_start_org_id_idx ON aias.dirty_hours (bucket_start, org_id);

ALTER TABLE aias.dirty_hours ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.dirty_hours FORCE ROW LEVEL SECURITY;
CREATE POLICY dirty_hours_platform ON aias.dirty_hours TO aias_analytics, aias_owner USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, DELETE ON aias.dirty_hours TO aias_analytics;

COMMENT ON TABLE aias.dirty_hours
    IS 'Queue of (hour, organization) buckets to recompute from their facts, written with the facts';
COMMENT ON COLUMN aias.dirty_hours.bucket_start IS 'First instant of the bucket, UTC';
COMMENT ON COLUMN aias.dirty_hours.org_id IS 'The organization';
COMMENT ON COLUMN aias.dirty_hours.cause IS 'Batch, run, erasure or repair that made it dirty';
COMMENT ON COLUMN aias.dirty_hours.enqueued_at IS 'When';

CREATE TABLE aias.dirty_days (
    bucket_start timestamptz NOT NULL,
    org_id uuid NOT NULL,
    cause uuid NOT NULL,
    enqueued_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX dirty_days_bucket_start_org_id_idx ON aias.dirty_days (bucket_start, org_id);

ALTER TABLE aias.dirty_days ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.dirty_days FORCE ROW LEVEL SECURITY;
CREATE POLICY dirty_days_platform ON aias.dirty_days TO aias_analytics, aias_owner USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, DELETE ON aias.dirty_days TO aias_analytics;

COMMENT ON TABLE aias.dirty_days IS 'Queue of (day, organization) buckets to recompute from their hours';
COMMENT ON COLUMN aias.dirty_days.bucket_start IS 'First instant of the bucket, UTC';
COMMENT ON COLUMN aias.dirty_days.org_id IS 'The organization';
COMMENT ON COLUMN aias.dirty_days.cause IS 'Batch, run, erasure or repair that made it dirty';
COMMENT ON COLUMN aias.dirty_days.enqueued_at IS 'When';
