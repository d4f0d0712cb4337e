-- aias: phase = expand
-- aias: author = platform
-- aias: risk = New tables only; nothing exists that could wait

CREATE TABLE aias.usage_hours (
    bucket_start timestamptz NOT NULL,
    org_id uuid NOT NULL,
    project_id uuid,
    model_id uuid,
    operation text NOT NULL,
    region text NOT NULL,
    currency char(3) NOT NULL,
    price_id uuid,
    requests bigint NOT NULL,
    successes bigint NOT NULL,
    errors bigint NOT NULL,
    timeouts bigint NOT NULL,
    throttled bigint NOT NULL,
    cancelled bigint NOT NULL,
    rejected bigint NOT NULL,
    input_tokens bigint NOT NULL,
    cached_input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    billed_requests bigint NOT NULL,
    billed_input_tokens bigint NOT NULL,
    billed_cached_input_tokens bigint NOT NULL,
    billed_output_tokens bigint NOT NULL,
    cost_pico numeric(38,0) NOT NULL,
    latency_idx smallint[] NOT NULL,
    latency_n bigint[] NOT NULL,
    ttft_idx smallint[] NOT NULL,
    ttft_n bigint[] NOT NULL,
    run_id uuid NOT NULL,
    adjustments bigint NOT NULL DEFAULT 0,
    adjustment_pico numeric(38,0) NOT NULL DEFAULT 0,
    latency_sum_ms bigint,
    latency_min int,
    latency_max int,
    ttft_sum_ms bigint,
    ttft_min int,
    ttft_max int,
    source_max_received_at timestamptz,
    CONSTRAINT usage_hours_bucket_key
        UNIQUE NULLS NOT DISTINCT (org_id, bucket_start, project_id, model_id, operation, region, currency, price_id),
    CONSTRAINT usage_hours_requests_check
        CHECK (requests = successes + errors + timeouts + throttled + cancelled + rejected),
    CONSTRAINT usage_hours_latency_check CHECK (cardinality(latency_idx) = cardinality(latency_n)),
    CONSTRAINT usage_hours_ttft_check CHECK (cardinality(ttft_idx) = cardinality(ttft_n))
) PARTITION BY RANGE (bucket_start);

ALTER TABLE aias.usage_hours ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.usage_hours FORCE ROW LEVEL SECURITY;
CREATE POLICY usage_hours_tenant ON aias.usage_hours FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY usage_hours_platform ON aias.usage_hours TO aias_analytics, aias_owner USING (true) WITH CHECK (true);
CREATE POLICY usage_hours_platform_read ON aias.usage_hours FOR SELECT TO aias_exporter USING (true);
GRANT SELECT, INSERT, DELETE ON aias.usage_hours TO aias_analytics;
GRANT SELECT ON aias.usage_hours TO aias_exporter;
GRANT SELECT ON aias.usage_hours TO aias_reader;

COMMENT ON TABLE aias.usage_hours IS 'Usage by UTC hour and key; each bucket is recomputed whole from the facts';
COMMENT ON COLUMN aias.usage_hours.bucket_start IS 'First instant of the hour, UTC';
COMMENT ON COLUMN aias.usage_hours.org_id IS 'The organization';
COMMENT ON COLUMN aias.usage_hours.project_id IS 'The project; null is none';
COMMENT ON COLUMN aias.usage_hours.model_id IS 'The model; null is unassigned';
COMMENT ON COLUMN aias.usage_hours.operation IS 'The operation';
COMMENT ON COLUMN aias.usage_hours.region IS 'The region of the router';
COMMENT ON COLUMN aias.usage_hours.currency IS 'Currency of the cost';
COMMENT ON COLUMN aias.usage_hours.price_id IS 'The price row; null where nothing was priced';
COMMENT ON COLUMN aias.usage_hours.requests IS 'Requests: the sum of the six ends';
COMMENT ON COLUMN aias.usage_hours.successes IS 'Ended with success';
COMMENT ON COLUMN aias.usage_hours.errors IS 'Ended with an error';
COMMENT ON COLUMN aias.usage_hours.timeouts IS 'Ended by time-out';
COMMENT ON COLUMN aias.usage_hours.throttled IS 'Refused by a rate limit or budget';
COMMENT ON COLUMN aias.usage_hours.cancelled IS 'Left by the client';
COMMENT ON COLUMN aias.usage_hours.rejected IS 'Refused as invalid or forbidden';
COMMENT ON COLUMN aias.usage_hours.input_tokens IS 'Prompt tokens, cached ones included';
COMMENT ON COLUMN aias.usage_hours.cached_input_tokens IS 'Cached prompt tokens';
COMMENT ON COLUMN aias.usage_hours.output_tokens IS 'Answer tokens, reasoning included';
COMMENT ON COLUMN aias.usage_hours.reasoning_tokens IS 'Reasoning tokens';
COMMENT ON COLUMN aias.usage_hours.billed_requests IS 'Requests that cost';
COMMENT ON COLUMN aias.usage_hours.billed_input_tokens IS 'Prompt tokens that cost, cached ones excluded';
COMMENT ON COLUMN aias.usage_hours.billed_cached_input_tokens IS 'Cached prompt tokens that cost';
COMMENT ON COLUMN aias.usage_hours.billed_output_tokens IS 'Answer tokens that cost';
COMMENT ON COLUMN aias.usage_hours.cost_pico IS 'Exact cost in pico-units of currency';
COMMENT ON COLUMN aias.usage_hours.latency_idx
    IS 'Buckets of the latency histogram of successes, ascending; counts stand in latency_n';
COMMENT ON COLUMN aias.usage_hours.latency_n IS 'Counts of the latency histogram';
COMMENT ON COLUMN aias.usage_hours.ttft_idx IS 'Buckets of the histogram of the time to the first byte, ascending';
COMMENT ON COLUMN aias.usage_hours.ttft_n IS 'Counts of that histogram';
COMMENT ON COLUMN aias.usage_hours.run_id IS 'The rollup run that wrote it';
COMMENT ON COLUMN aias.usage_hours.adjustments IS 'Adjustments in the bucket';
COMMENT ON COLUMN aias.usage_hours.adjustment_pico IS 'Their sum in pico-units; may be negative';
COMMENT ON COLUMN aias.usage_hours.latency_sum_ms IS 'Sum of the latencies of successes; null without one';
COMMENT ON COLUMN aias.usage_hours.latency_min IS 'Smallest latency of a success, in ms';
COMMENT ON COLUMN aias.usage_hours.latency_max IS 'Largest latency of a success, in ms';
COMMENT ON COLUMN aias.usage_hours.ttft_sum_ms IS 'Sum of the times to the first byte of successes';
COMMENT ON COLUMN aias.usage_hours.ttft_min IS 'Smallest of them, in ms';
COMMENT ON COLUMN aias.usage_hours.ttft_max IS 'Largest of them, in ms';
COMMENT ON COLUMN aias.usage_hours.source_max_received_at IS 'When the newest fact in it was stored';

CREATE TABLE aias.usage_hour_keys (
    bucket_start timestamptz NOT NULL,
    org_id uuid NOT NULL,
    project_id uuid,
    api_key_id uuid,
    model_id uuid,
    currency char(3) NOT NULL,
    requests bigint NOT NULL,
    successes bigint NOT NULL,
    errors bigint NOT NULL,
    timeouts bigint NOT NULL,
    throttled bigint NOT NULL,
    cancelled bigint NOT NULL,
    rejected bigint NOT NULL,
    input_tokens bigint NOT NULL,
    cached_input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    billed_requests bigint NOT NULL,
    billed_input_tokens bigint NOT NULL,
    billed_cached_input_tokens bigint NOT NULL,
    billed_output_tokens bigint NOT NULL,
    cost_pico numeric(38,0) NOT NULL,
    run_id uuid NOT NULL,
    adjustments bigint NOT NULL DEFAULT 0,
    adjustment_pico numeric(38,0) NOT NULL DEFAULT 0,
    CONSTRAINT usage_hour_keys_bucket_key
        UNIQUE NULLS NOT DISTINCT (org_id, bucket_start, project_id, api_key_id, model_id, currency),
    CONSTRAINT usage_hour_keys_requests_check
        CHECK (requests = successes + errors + timeouts + throttled + cancelled + rejected)
) PARTITION BY RANGE (bucket_start);

ALTER TABLE aias.usage_hour_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.usage_hour_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY usage_hour_keys_tenant ON aias.usage_hour_keys FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY usage_hour_keys_platform ON aias.usage_hour_keys TO aias_analytics, aias_owner
    USING (true) WITH CHECK (true);
CREATE POLICY usage_hour_keys_platform_read ON aias.usage_hour_keys FOR SELECT TO aias_exporter USING (true);
GRANT SELECT, INSERT, DELETE ON aias.usage_hour_keys TO aias_analytics;
GRANT SELECT ON aias.usage_hour_keys TO aias_exporter;
GRANT SELECT ON aias.usage_hour_keys TO aias_reader;

COMMENT ON TABLE aias.usage_hour_keys IS 'Usage by UTC hour and API key: the same counters without histograms';
COMMENT ON COLUMN aias.usage_hour_keys.bucket_start IS 'First instant of the hour, UTC';
COMMENT ON COLUMN aias.usage_hour_keys.org_id IS 'The organization';
COMMENT ON COLUMN aias.usage_hour_keys.project_id IS 'The project; null is none';
COMMENT ON COLUMN aias.usage_hour_keys.api_key_id IS 'The key; null is none';
COMMENT ON COLUMN aias.usage_hour_keys.model_id IS 'The model; null is unassigned';
COMMENT ON COLUMN aias.usage_hour_keys.currency IS 'Currency of the cost';
COMMENT ON COLUMN aias.usage_hour_keys.requests IS 'Requests: the sum of the six ends';
COMMENT ON COLUMN aias.usage_hour_keys.successes IS 'Ended with success';
COMMENT ON COLUMN aias.usage_hour_keys.errors IS 'Ended with an error';
COMMENT ON COLUMN aias.usage_hour_keys.timeouts IS 'Ended by time-out';
COMMENT ON COLUMN aias.usage_hour_keys.throttled IS 'Refused by a rate limit or budget';
COMMENT ON COLUMN aias.usage_hour_keys.cancelled IS 'Left by the client';
COMMENT ON COLUMN aias.usage_hour_keys.rejected IS 'Refused as invalid or forbidden';
COMMENT ON COLUMN aias.usage_hour_keys.input_tokens IS 'Prompt tokens, cached ones included';
COMMENT ON COLUMN aias.usage_hour_keys.cached_input_tokens IS 'Cached prompt tokens';
COMMENT ON COLUMN aias.usage_hour_keys.output_tokens IS 'Answer tokens, reasoning included';
COMMENT ON COLUMN aias.usage_hour_keys.reasoning_tokens IS 'Reasoning tokens';
COMMENT ON COLUMN aias.usage_hour_keys.billed_requests IS 'Requests that cost';
COMMENT ON COLUMN aias.usage_hour_keys.billed_input_tokens IS 'Prompt tokens that cost, cached ones excluded';
COMMENT ON COLUMN aias.usage_hour_keys.billed_cached_input_tokens IS 'Cached prompt tokens that cost';
COMMENT ON COLUMN aias.usage_hour_keys.billed_output_tokens IS 'Answer tokens that cost';
COMMENT ON COLUMN aias.usage_hour_keys.cost_pico IS 'Exact cost in pico-units of currency';
COMMENT ON COLUMN aias.usage_hour_keys.run_id IS 'The rollup run that wrote it';
COMMENT ON COLUMN aias.usage_hour_keys.adjustments IS 'Adjustments in the bucket';
COMMENT ON COLUMN aias.usage_hour_keys.adjustment_pico IS 'Their sum in pico-units; may be negative';

CREATE TABLE aias.usage_days (
    bucket_start timestamptz NOT NULL,
    org_id uuid NOT NULL,
    project_id uuid,
    model_id uuid,
    operation text NOT NULL,
    region text NOT NULL,
    currency char(3) NOT NULL,
    price_id uuid,
    requests bigint NOT NULL,
    successes bigint NOT NULL,
    errors bigint NOT NULL,
    timeouts bigint NOT NULL,
    throttled bigint NOT NULL,
    cancelled bigint NOT NULL,
    rejected bigint NOT NULL,
    input_tokens bigint NOT NULL,
    cached_input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    billed_requests bigint NOT NULL,
    billed_input_tokens bigint NOT NULL,
    billed_cached_input_tokens bigint NOT NULL,
    billed_output_tokens bigint NOT NULL,
    cost_pico numeric(38,0) NOT NULL,
    latency_idx smallint[] NOT NULL,
    latency_n bigint[] NOT NULL,
    ttft_idx smallint[] NOT NULL,
    ttft_n bigint[] NOT NULL,
    run_id uuid NOT NULL,
    adjustments bigint NOT NULL DEFAULT 0,
    adjustment_pico numeric(38,0) NOT NULL DEFAULT 0,
    latency_sum_ms bigint,
    latency_min int,
    latency_max int,
    ttft_sum_ms bigint,
    ttft_min int,
    ttft_max int,
    source_max_received_at timestamptz,
    CONSTRAINT usage_days_bucket_key
        UNIQUE NULLS NOT DISTINCT (org_id, bucket_start, project_id, model_id, operation, region, currency, price_id),
    CONSTRAINT usage_days_requests_check
        CHECK (requests = successes + errors + timeouts + throttled + cancelled + rejected),
    CONSTRAINT usage_days_latency_check CHECK (cardinality(latency_idx) = cardinality(latency_n)),
    CONSTRAINT usage_days_ttft_check CHECK (cardinality(ttft_idx) = cardinality(ttft_n))
) PARTITION BY RANGE (bucket_start);

ALTER TABLE aias.usage_days ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.usage_days FORCE ROW LEVEL SECURITY;
CREATE POLICY usage_days_tenant ON aias.usage_days FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY usage_days_platform ON aias.usage_days TO aias_analytics, aias_owner USING (true) WITH CHECK (true);
CREATE POLICY usage_days_platform_read ON aias.usage_days FOR SELECT TO aias_exporter USING (true);
GRANT SELECT, INSERT, DELETE ON aias.usage_days TO aias_analytics;
GRANT SELECT ON aias.usage_days TO aias_exporter;
GRANT SELECT ON aias.usage_days TO aias_reader;

COMMENT ON TABLE aias.usage_days IS 'Usage by UTC day and key: the merge of its 24 hours';
COMMENT ON COLUMN aias.usage_days.bucket_start IS 'First instant of the day, UTC';
COMMENT ON COLUMN aias.usage_days.org_id IS 'The organization';
COMMENT ON COLUMN aias.usage_days.project_id IS 'The project; null is none';
COMMENT ON COLUMN aias.usage_days.model_id IS 'The model; null is unassigned';
COMMENT ON COLUMN aias.usage_days.operation IS 'The operation';
COMMENT ON COLUMN aias.usage_days.region IS 'The region of the router';
COMMENT ON COLUMN aias.usage_days.currency IS 'Currency of the cost';
COMMENT ON COLUMN aias.usage_days.price_id IS 'The price row; null where nothing was priced';
COMMENT ON COLUMN aias.usage_days.requests IS 'Requests: the sum of the six ends';
COMMENT ON COLUMN aias.usage_days.successes IS 'Ended with success';
COMMENT ON COLUMN aias.usage_days.errors IS 'Ended with an error';
COMMENT ON COLUMN aias.usage_days.timeouts IS 'Ended by time-out';
COMMENT ON COLUMN aias.usage_days.throttled IS 'Refused by a rate limit or budget';
COMMENT ON COLUMN aias.usage_days.cancelled IS 'Left by the client';
COMMENT ON COLUMN aias.usage_days.rejected IS 'Refused as invalid or forbidden';
COMMENT ON COLUMN aias.usage_days.input_tokens IS 'Prompt tokens, cached ones included';
COMMENT ON COLUMN aias.usage_days.cached_input_tokens IS 'Cached prompt tokens';
COMMENT ON COLUMN aias.usage_days.output_tokens IS 'Answer tokens, reasoning included';
COMMENT ON COLUMN aias.usage_days.reasoning_tokens IS 'Reasoning tokens';
COMMENT ON COLUMN aias.usage_days.billed_requests IS 'Requests that cost';
COMMENT ON COLUMN aias.usage_days.billed_input_tokens IS 'Prompt tokens that cost, cached ones excluded';
COMMENT ON COLUMN aias.usage_days.billed_cached_input_tokens IS 'Cached prompt tokens that cost';
COMMENT ON COLUMN aias.usage_days.billed_output_tokens IS 'Answer tokens that cost';
COMMENT ON COLUMN aias.usage_days.cost_pico IS 'Exact cost in pico-units of currency';
COMMENT ON COLUMN aias.usage_days.latency_idx
    IS 'Buckets of the latency histogram of successes, ascending; counts stand in latency_n';
COMMENT ON COLUMN aias.usage_days.latency_n IS 'Counts of the latency histogram';
COMMENT ON COLUMN aias.usage_days.ttft_idx IS 'Buckets of the histogram of the time to the first byte, ascending';
COMMENT ON COLUMN aias.usage_days.ttft_n IS 'Counts of that histogram';
COMMENT ON COLUMN aias.usage_days.run_id IS 'The rollup run that wrote it';
COMMENT ON COLUMN aias.usage_days.adjustments IS 'Adjustments in the bucket';
COMMENT ON COLUMN aias.usage_days.adjustment_pico IS 'Their sum in pico-units; may be negative';
COMMENT ON COLUMN aias.usage_days.latency_sum_ms IS 'Sum of the latencies of successes; null without one';
COMMENT ON COLUMN aias.usage_days.latency_min IS 'Smallest latency of a success, in ms';
COMMENT ON COLUMN aias.usage_days.latency_max IS 'Largest latency of a success, in ms';
COMMENT ON COLUMN aias.usage_days.ttft_sum_ms IS 'Sum of the times to the first byte of successes';
COMMENT ON COLUMN aias.usage_days.ttft_min IS 'Smallest of them, in ms';
COMMENT ON COLUMN aias.usage_days.ttft_max IS 'Largest of them, in ms';
COMMENT ON COLUMN aias.usage_days.source_max_received_at IS 'When the newest fact in it was stored';

CREATE TABLE aias.usage_day_keys (
    bucket_start timestamptz NOT NULL,
    org_id uuid NOT NULL,
    project_id uuid,
    api_key_id uuid,
    model_id uuid,
    currency char(3) NOT NULL,
    requests bigint NOT NULL,
    successes bigint NOT NULL,
    errors bigint NOT NULL,
    timeouts bigint NOT NULL,
    throttled bigint NOT NULL,
    cancelled bigint NOT NULL,
    rejected bigint NOT NULL,
    input_tokens bigint NOT NULL,
    cached_input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    billed_requests bigint NOT NULL,
    billed_input_tokens bigint NOT NULL,
    billed_cached_input_tokens bigint NOT NULL,
    billed_output_tokens bigint NOT NULL,
    cost_pico numeric(38,0) NOT NULL,
    run_id uuid NOT NULL,
    adjustments bigint NOT NULL DEFAULT 0,
    adjustment_pico numeric(38,0) NOT NULL DEFAULT 0,
    CONSTRAINT usage_day_keys_bucket_key
        UNIQUE NULLS NOT DISTINCT (org_id, bucket_start, project_id, api_key_id, model_id, currency),
    CONSTRAINT usage_day_keys_requests_check
        CHECK (requests = successes + errors + timeouts + throttled + cancelled + rejected)
) PARTITION BY RANGE (bucket_start);

ALTER TABLE aias.usage_day_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.usage_day_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY usage_day_keys_tenant ON aias.usage_day_keys FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY usage_day_keys_platform ON aias.usage_day_keys TO aias_analytics, aias_owner
    USING (true) WITH CHECK (true);
CREATE POLICY usage_day_keys_platform_read ON aias.usage_day_keys FOR SELECT TO aias_exporter USING (true);
GRANT SELECT, INSERT, DELETE ON aias.usage_day_keys TO aias_analytics;
GRANT SELECT ON aias.usage_day_keys TO aias_exporter;
GRANT SELECT ON aias.usage_day_keys TO aias_reader;

COMMENT ON TABLE aias.usage_day_keys IS 'Usage by UTC day and API key: the same counters without histograms';
COMMENT ON COLUMN aias.usage_day_keys.bucket_start IS 'First instant of the day, UTC';
COMMENT ON COLUMN aias.usage_day_keys.org_id IS 'The organization';
COMMENT ON COLUMN aias.usage_day_keys.project_id IS 'The project; null is none';
COMMENT ON COLUMN aias.usage_day_keys.api_key_id IS 'The key; null is none';
COMMENT ON COLUMN aias.usage_day_keys.model_id IS 'The model; null is unassigned';
COMMENT ON COLUMN aias.usage_day_keys.currency IS 'Currency of the cost';
COMMENT ON COLUMN aias.usage_day_keys.requests IS 'Requests: the sum of the six ends';
COMMENT ON COLUMN aias.usage_day_keys.successes IS 'Ended with success';
COMMENT ON COLUMN aias.usage_day_keys.errors IS 'Ended with an error';
COMMENT ON COLUMN aias.usage_day_keys.timeouts IS 'Ended by time-out';
COMMENT ON COLUMN aias.usage_day_keys.throttled IS 'Refused by a rate limit or budget';
COMMENT ON COLUMN aias.usage_day_keys.cancelled IS 'Left by the client';
COMMENT ON COLUMN aias.usage_day_keys.rejected IS 'Refused as invalid or forbidden';
COMMENT ON COLUMN aias.usage_day_keys.input_tokens IS 'Prompt tokens, cached ones included';
COMMENT ON COLUMN aias.usage_day_keys.cached_input_tokens IS 'Cached prompt tokens';
COMMENT ON COLUMN aias.usage_day_keys.output_tokens IS 'Answer tokens, reasoning included';
COMMENT ON COLUMN aias.usage_day_keys.reasoning_tokens IS 'Reasoning tokens';
COMMENT ON COLUMN aias.usage_day_keys.billed_requests IS 'Requests that cost';
COMMENT ON COLUMN aias.usage_day_keys.billed_input_tokens IS 'Prompt tokens that cost, cached ones excluded';
COMMENT ON COLUMN aias.usage_day_keys.billed_cached_input_tokens IS 'Cached prompt tokens that cost';
COMMENT ON COLUMN aias.usage_day_keys.billed_output_tokens IS 'Answer tokens that cost';
COMMENT ON COLUMN aias.usage_day_keys.cost_pico IS 'Exact cost in pico-units of currency';
COMMENT ON COLUMN aias.usage_day_keys.run_id IS 'The rollup run that wrote it';
COMMENT ON COLUMN aias.usage_day_keys.adjustments IS 'Adjustments in the bucket';
COMMENT ON COLUMN aias.usage_day_keys.adjustment_pico IS 'Their sum in pico-units; may be negative';

CREATE TABLE aias.rollup_runs (
    run_id uuid NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    hours int NOT NULL,
    days int NOT NULL,
    written int NOT NULL,
    removed int NOT NULL,
    trigger text NOT NULL DEFAULT 'loop',
    source_rows bigint,
    outcome text NOT NULL DEFAULT 'succeeded',
    error text,
    CONSTRAINT rollup_runs_pkey PRIMARY KEY (run_id),
    CONSTRAINT rollup_runs_trigger_check CHECK (trigger IN ('loop', 'command', 'rebuild', 'erasure', 'repair')),
    CONSTRAINT rollup_runs_outcome_check CHECK (outcome IN ('succeeded', 'failed', 'interrupted'))
);
CREATE INDEX rollup_runs_started_at_idx ON aias.rollup_runs (started_at);

GRANT SELECT, INSERT ON aias.rollup_runs TO aias_analytics;

COMMENT ON TABLE aias.rollup_runs IS 'History of rollup passes that did something';
COMMENT ON COLUMN aias.rollup_runs.run_id IS 'The run; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.rollup_runs.started_at IS 'When it began';
COMMENT ON COLUMN aias.rollup_runs.finished_at IS 'When it ended';
COMMENT ON COLUMN aias.rollup_runs.hours IS 'Hour buckets recomputed';
COMMENT ON COLUMN aias.rollup_runs.days IS 'Day buckets recomputed';
COMMENT ON COLUMN aias.rollup_runs.written IS 'Rows written';
COMMENT ON COLUMN aias.rollup_runs.removed IS 'Rows removed';
COMMENT ON COLUMN aias.rollup_runs.trigger IS 'loop, command, rebuild, erasure or repair';
COMMENT ON COLUMN aias.rollup_runs.source_rows IS 'Facts read';
COMMENT ON COLUMN aias.rollup_runs.outcome IS 'succeeded, failed or interrupted';
COMMENT ON COLUMN aias.rollup_runs.error IS 'Why it failed';

CREATE TABLE aias.rollup_rebuilds (
    rebuild_id uuid NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    checkpoint timestamptz,
    state text NOT NULL DEFAULT 'running',
    requested_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT rollup_rebuilds_pkey PRIMARY KEY (rebuild_id),
    CONSTRAINT rollup_rebuilds_ends_at_check CHECK (ends_at > starts_at),
    CONSTRAINT rollup_rebuilds_state_check CHECK (state IN ('running', 'paused', 'done', 'cancelled'))
);
CREATE INDEX rollup_rebuilds_updated_at_idx ON aias.rollup_rebuilds (updated_at);
CREATE TRIGGER rollup_rebuilds_touch_tg BEFORE UPDATE ON aias.rollup_rebuilds
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

GRANT SELECT, INSERT, UPDATE ON aias.rollup_rebuilds TO aias_analytics;

COMMENT ON TABLE aias.rollup_rebuilds IS 'Long rebuilds: how far each has come, so that a killed one resumes';
COMMENT ON COLUMN aias.rollup_rebuilds.rebuild_id IS 'The rebuild; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.rollup_rebuilds.starts_at IS 'First bucket';
COMMENT ON COLUMN aias.rollup_rebuilds.ends_at IS 'First instant after the last';
COMMENT ON COLUMN aias.rollup_rebuilds.checkpoint IS 'Buckets before it are done';
COMMENT ON COLUMN aias.rollup_rebuilds.state IS 'running, paused, done or cancelled';
COMMENT ON COLUMN aias.rollup_rebuilds.requested_by IS 'Principal that asked';
COMMENT ON COLUMN aias.rollup_rebuilds.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.rollup_rebuilds.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.rollup_rebuilds.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

CREATE TABLE aias.watermarks (
    stage text NOT NULL,
    settled_through timestamptz NOT NULL,
    complete_through timestamptz NOT NULL,
    reported_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT watermarks_pkey PRIMARY KEY (stage),
    CONSTRAINT watermarks_stage_check CHECK (stage IN ('ingest', 'rollup_hour', 'rollup_day'))
);

GRANT SELECT, INSERT, UPDATE ON aias.watermarks TO aias_analytics;

COMMENT ON TABLE aias.watermarks IS 'How far each stage of the pipeline has come';
COMMENT ON COLUMN aias.watermarks.stage IS 'ingest, rollup_hour or rollup_day';
COMMENT ON COLUMN aias.watermarks.settled_through IS 'Every request that ended before it is included';
COMMENT ON COLUMN aias.watermarks.complete_through
    IS 'Every request that was admitted before it has ended and is included';
COMMENT ON COLUMN aias.watermarks.reported_at IS 'When the stage last said so';
