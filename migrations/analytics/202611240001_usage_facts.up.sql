CREATE SCHEMA aias;
REVOKE ALL ON SCHEMA aias FROM PUBLIC;
GRANT USAGE ON SCHEMA aias TO aias_analytics, aias_reader;

CREATE TABLE aias.event_receipts (
    event_id uuid NOT NULL,
    org_id uuid NOT NULL,
    digest bigint NOT NULL,
    received_at timestamptz NOT NULL,
    batch_id uuid NOT NULL,
    CONSTRAINT event_receipts_pkey PRIMARY KEY (event_id, org_id)
) PARTITION BY RANGE (event_id);

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
    status text NOT NULL,
    http_status smallint NOT NULL,
    error_code text,
    duration_ms int NOT NULL,
    ttft_ms int,
    backend_ms int,
    input_tokens int NOT NULL,
    cached_input_tokens int NOT NULL,
    output_tokens int NOT NULL,
    reasoning_tokens int NOT NULL,
    token_source text NOT NULL,
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
    source text NOT NULL,
    source_seq bigint NOT NULL,
    labels jsonb NOT NULL,
    latency_bucket smallint NOT NULL,
    ttft_bucket smallint,
    received_at timestamptz NOT NULL,
    batch_id uuid NOT NULL,
    late bool NOT NULL,
    CONSTRAINT usage_facts_pkey PRIMARY KEY (event_id, org_id, occurred_at),
    CONSTRAINT usage_facts_operation_check CHECK (operation IN ('chat', 'completion', 'embedding', 'other')),
    CONSTRAINT usage_facts_status_check
        CHECK (status IN ('success', 'error', 'timeout', 'throttled', 'cancelled', 'rejected')),
    CONSTRAINT usage_facts_cached_input_tokens_check CHECK (cached_input_tokens BETWEEN 0 AND input_tokens),
    CONSTRAINT usage_facts_reasoning_tokens_check CHECK (reasoning_tokens BETWEEN 0 AND output_tokens),
    CONSTRAINT usage_facts_cost_pico_check CHECK (cost_pico >= 0 AND (billable OR cost_pico = 0)),
    CONSTRAINT usage_facts_price_id_check CHECK (price_id IS NOT NULL OR NOT billable)
) PARTITION BY RANGE (occurred_at);
CREATE INDEX usage_facts_org_id_occurred_at_idx ON aias.usage_facts (org_id, occurred_at);
CREATE INDEX usage_facts_received_at_idx ON aias.usage_facts USING brin (received_at);

CREATE TABLE aias.ingest_batches (
    batch_id uuid NOT NULL,
    source text NOT NULL,
    committed_at timestamptz NOT NULL,
    accepted int NOT NULL,
    duplicate int NOT NULL,
    late int NOT NULL,
    rejected int NOT NULL,
    CONSTRAINT ingest_batches_pkey PRIMARY KEY (batch_id)
);

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
    CONSTRAINT dead_letters_pkey PRIMARY KEY (letter_id),
    CONSTRAINT dead_letters_state_check CHECK (state IN ('open', 'replayed', 'dropped'))
);

CREATE TABLE aias.dirty_hours (
    bucket_start timestamptz NOT NULL,
    org_id uuid NOT NULL,
    cause uuid NOT NULL,
    enqueued_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX dirty_hours_bucket_start_org_id_idx ON aias.dirty_hours (bucket_start, org_id);

CREATE FUNCTION aias.ensure_month_partitions(p_from timestamptz, p_months int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' AS $$
DECLARE
    v_start timestamptz;
    v_end timestamptz;
    v_low uuid;
    v_high uuid;
    v_made int := 0;
BEGIN
    FOR i IN 0 .. p_months - 1 LOOP
        v_start := date_trunc('month', p_from) + make_interval(months => i);
        v_end := date_trunc('month', p_from) + make_interval(months => i + 1);
        v_low := (lpad(to_hex((extract(epoch FROM v_start) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
        v_high := (lpad(to_hex((extract(epoch FROM v_end) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
        IF to_regclass(format('aias.usage_facts_%s', to_char(v_start, 'YYYYMM'))) IS NULL THEN
            EXECUTE format('CREATE TABLE aias.usage_facts_%s PARTITION OF aias.usage_facts FOR VALUES FROM (%L) TO (%L)',
                to_char(v_start, 'YYYYMM'), v_start, v_end);
            EXECUTE format('CREATE TABLE aias.event_receipts_%s PARTITION OF aias.event_receipts FOR VALUES FROM (%L) TO (%L)',
                to_char(v_start, 'YYYYMM'), v_low, v_high);
            v_made := v_made + 1;
        END IF;
    END LOOP;
    RETURN v_made;
END
$$;
REVOKE ALL ON FUNCTION aias.ensure_month_partitions(timestamptz, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION aias.ensure_month_partitions(timestamptz, int) TO aias_analytics;

ALTER TABLE aias.usage_facts ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.usage_facts FORCE ROW LEVEL SECURITY;
CREATE POLICY usage_facts_tenant ON aias.usage_facts FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY usage_facts_platform ON aias.usage_facts TO aias_analytics USING (true) WITH CHECK (true);
ALTER TABLE aias.event_receipts ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.event_receipts FORCE ROW LEVEL SECURITY;
CREATE POLICY event_receipts_platform ON aias.event_receipts TO aias_analytics USING (true) WITH CHECK (true);

GRANT SELECT, INSERT ON aias.event_receipts, aias.usage_facts, aias.ingest_batches TO aias_analytics;
GRANT SELECT, INSERT, UPDATE ON aias.dead_letters TO aias_analytics;
GRANT SELECT, INSERT, DELETE ON aias.dirty_hours TO aias_analytics;
GRANT SELECT ON aias.usage_facts TO aias_reader;

COMMENT ON TABLE aias.event_receipts IS 'One row per stored event: uniqueness of (event_id, org_id) whatever the partition of the fact';
COMMENT ON TABLE aias.usage_facts IS 'One row per admitted request, exactly once, never changed';
COMMENT ON TABLE aias.ingest_batches IS 'One row per committed ingest transaction';
COMMENT ON TABLE aias.dead_letters IS 'Events that the contract refuses, with the reason';
COMMENT ON TABLE aias.dirty_hours IS 'Queue of (hour, organization) buckets to recompute, written with the facts';
COMMENT ON COLUMN aias.usage_facts.cost_pico IS 'Exact cost in pico-units of currency, by the price row price_id';
COMMENT ON COLUMN aias.usage_facts.latency_bucket IS 'Log-histogram bucket of duration_ms, computed once at ingest';
