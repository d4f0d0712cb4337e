-- name: create_facts
-- What rollups and answers need of a fact; the whole event stays in PostgreSQL. Nothing is nullable, because nullable
-- columns double the time of grouping: what is absent is -1 millisecond, or the bucket before the first (-2).
CREATE TABLE IF NOT EXISTS usage_facts (
    event_id UUID,
    org_id UUID,
    occurred_at DateTime64(6, 'UTC'),
    received_at DateTime64(6, 'UTC'),
    series_id Int64,
    status Enum8('adjustment' = 0, 'success' = 1, 'error' = 2, 'timeout' = 3, 'throttled' = 4, 'cancelled' = 5,
        'rejected' = 6),
    billable Bool,
    input_tokens Int32,
    cached_input_tokens Int32,
    output_tokens Int32,
    reasoning_tokens Int32,
    cost_pico Int64,
    duration_ms Int32,
    ttft_ms Int32,
    latency_bucket Int16,
    ttft_bucket Int16
) ENGINE = MergeTree PARTITION BY toYYYYMM(occurred_at) ORDER BY (org_id, occurred_at, event_id)
SETTINGS non_replicated_deduplication_window = 10000

-- name: create_staged_facts
-- What is grouped at once: only the columns that are grouped, in memory; `occurred_at` is the start of the hour.
CREATE TABLE IF NOT EXISTS staged_facts (
    occurred_at DateTime64(6, 'UTC'),
    received_at DateTime64(6, 'UTC'),
    series_id Int64,
    status Enum8('adjustment' = 0, 'success' = 1, 'error' = 2, 'timeout' = 3, 'throttled' = 4, 'cancelled' = 5,
        'rejected' = 6),
    billable Bool,
    input_tokens Int32,
    cached_input_tokens Int32,
    output_tokens Int32,
    reasoning_tokens Int32,
    cost_pico Int64,
    duration_ms Int32,
    ttft_ms Int32,
    latency_bucket Int16,
    ttft_bucket Int16
) ENGINE = Memory

-- name: create_series
-- A series is never changed, so copies of one are equal and the newest is as good as the first.
CREATE TABLE IF NOT EXISTS usage_series (
    series_id Int64,
    org_id UUID,
    project_id Nullable(UUID),
    api_key_id Nullable(UUID),
    model_id Nullable(UUID),
    operation String,
    region String,
    currency String,
    price_id Nullable(UUID)
) ENGINE = ReplacingMergeTree ORDER BY series_id

-- name: create_hours
-- Money is Int128: each figure is far below 38 digits, and its sums are taken in whole numbers.
CREATE TABLE IF NOT EXISTS usage_hours (
    attempt UInt128,
    run_id UUID,
    bucket_start DateTime64(6, 'UTC'),
    org_id UUID,
    project_id Nullable(UUID),
    model_id Nullable(UUID),
    operation String,
    region String,
    currency String,
    price_id Nullable(UUID),
    requests Int64,
    successes Int64,
    errors Int64,
    timeouts Int64,
    throttled Int64,
    cancelled Int64,
    rejected Int64,
    input_tokens Int64,
    cached_input_tokens Int64,
    output_tokens Int64,
    reasoning_tokens Int64,
    billed_requests Int64,
    billed_input_tokens Int64,
    billed_cached_input_tokens Int64,
    billed_output_tokens Int64,
    cost_pico Int128,
    adjustments Int64,
    adjustment_pico Int128,
    latency_sum_ms Nullable(Int64),
    latency_min Nullable(Int32),
    latency_max Nullable(Int32),
    ttft_sum_ms Nullable(Int64),
    ttft_min Nullable(Int32),
    ttft_max Nullable(Int32),
    source_max_received_at DateTime64(6, 'UTC'),
    latency_idx Array(Int16),
    latency_n Array(Int64),
    ttft_idx Array(Int16),
    ttft_n Array(Int64)
) ENGINE = MergeTree PARTITION BY toYYYYMM(bucket_start) ORDER BY (org_id, bucket_start)

-- name: create_hour_keys
CREATE TABLE IF NOT EXISTS usage_hour_keys (
    attempt UInt128,
    run_id UUID,
    bucket_start DateTime64(6, 'UTC'),
    org_id UUID,
    project_id Nullable(UUID),
    api_key_id Nullable(UUID),
    model_id Nullable(UUID),
    currency String,
    requests Int64,
    successes Int64,
    errors Int64,
    timeouts Int64,
    throttled Int64,
    cancelled Int64,
    rejected Int64,
    input_tokens Int64,
    cached_input_tokens Int64,
    output_tokens Int64,
    reasoning_tokens Int64,
    billed_requests Int64,
    billed_input_tokens Int64,
    billed_cached_input_tokens Int64,
    billed_output_tokens Int64,
    cost_pico Int128,
    adjustments Int64,
    adjustment_pico Int128
) ENGINE = MergeTree PARTITION BY toYYYYMM(bucket_start) ORDER BY (org_id, bucket_start)

-- name: create_days
CREATE TABLE IF NOT EXISTS usage_days AS usage_hours

-- name: create_day_keys
CREATE TABLE IF NOT EXISTS usage_day_keys AS usage_hour_keys

-- name: create_attempts
-- The rows of a bucket are those of its newest attempt. They are written before the attempt is, so a reader sees the
-- bucket as it was or as it is, and rows of an attempt that died are never seen.
CREATE TABLE IF NOT EXISTS bucket_attempts (
    grain Enum8('hour' = 1, 'day' = 2),
    bucket_start DateTime64(6, 'UTC'),
    org_id UUID,
    attempt UInt128
) ENGINE = ReplacingMergeTree(attempt) PARTITION BY toYYYYMM(bucket_start) ORDER BY (grain, org_id, bucket_start)

-- name: create_newest_attempts
-- Which attempt of a bucket counts. The rows of attempts are merged some time later, so each reader takes the newest.
CREATE VIEW IF NOT EXISTS newest_attempts AS
SELECT grain, bucket_start, org_id, max(a.attempt) AS attempt FROM bucket_attempts a GROUP BY grain, bucket_start, org_id
