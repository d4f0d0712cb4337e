-- name: group_hour_lines
-- One pass over the facts, grouped by numbers; everything else works on those few rows. Which pairs of hour and
-- organization are meant is looked up there too: for each fact it would take longer than the grouping. A histogram is
-- counted as the lengths of the runs in the sorted bucket numbers, which costs less than a map of counts for each group.
WITH ends AS (
    SELECT toStartOfHour(occurred_at) AS hour, series_id, status, billable, toInt64(count()) AS n,
        sum(input_tokens) AS input_tokens, sum(cached_input_tokens) AS cached_input_tokens,
        sum(output_tokens) AS output_tokens, sum(reasoning_tokens) AS reasoning_tokens,
        sum(toInt128(cost_pico)) AS cost_pico,
        sum(duration_ms) AS latency_sum, min(duration_ms) AS latency_min, max(duration_ms) AS latency_max,
        sumIf(ttft_ms, ttft_ms >= 0) AS ttft_sum, minIf(ttft_ms, ttft_ms >= 0) AS ttft_min, max(ttft_ms) AS ttft_max,
        max(received_at) AS received_at, groupArray(latency_bucket) AS latency,
        groupArrayIf(ttft_bucket, ttft_bucket > -2) AS ttft
    FROM {facts}
    GROUP BY hour, series_id, status, billable
)
SELECT toDateTime64(hour, 6, 'UTC') AS bucket_start, org_id, project_id, model_id, operation, region, currency,
    price_id,
    {counters},
    if(successes > 0, sumIf(latency_sum, status = 'success'), NULL) AS latency_sum_ms,
    if(successes > 0, minIf(e.latency_min, status = 'success'), NULL) AS latency_min,
    if(successes > 0, maxIf(e.latency_max, status = 'success'), NULL) AS latency_max,
    if(notEmpty(ttft_sorted), sumIf(ttft_sum, status = 'success'), NULL) AS ttft_sum_ms,
    if(notEmpty(ttft_sorted), minIf(e.ttft_min, status = 'success' AND notEmpty(ttft)), NULL) AS ttft_min,
    if(notEmpty(ttft_sorted), maxIf(e.ttft_max, status = 'success' AND notEmpty(ttft)), NULL) AS ttft_max,
    max(received_at) AS source_max_received_at,
    arrayCompact(arraySort(groupArrayArrayIf(latency, status = 'success')) AS latency_sorted) AS latency_idx,
    arrayMap((last, before) -> toInt64(last - before), arrayFilter((place, value, next) -> value != next,
        arrayEnumerate(latency_sorted), latency_sorted, arrayShiftLeft(latency_sorted, 1, -2)) AS latency_ends,
        arrayShiftRight(latency_ends, 1, 0)) AS latency_n,
    arrayCompact(arraySort(groupArrayArrayIf(ttft, status = 'success')) AS ttft_sorted) AS ttft_idx,
    arrayMap((last, before) -> toInt64(last - before), arrayFilter((place, value, next) -> value != next,
        arrayEnumerate(ttft_sorted), ttft_sorted, arrayShiftLeft(ttft_sorted, 1, -2)) AS ttft_ends,
        arrayShiftRight(ttft_ends, 1, 0)) AS ttft_n
FROM ends e INNER JOIN (SELECT * FROM usage_series FINAL) s USING (series_id)
WHERE (toUnixTimestamp64Micro(toDateTime64(hour, 6, 'UTC')), org_id) IN (
    SELECT arrayJoin(arrayZip({{starts:Array(Int64)}}, {{orgs:Array(UUID)}})))
GROUP BY hour, org_id, project_id, model_id, operation, region, currency, price_id

-- name: group_hour_keys
WITH ends AS (
    SELECT toStartOfHour(occurred_at) AS hour, series_id, status, billable, toInt64(count()) AS n,
        sum(input_tokens) AS input_tokens, sum(cached_input_tokens) AS cached_input_tokens,
        sum(output_tokens) AS output_tokens, sum(reasoning_tokens) AS reasoning_tokens,
        sum(toInt128(cost_pico)) AS cost_pico
    FROM {facts}
    GROUP BY hour, series_id, status, billable
)
SELECT toDateTime64(hour, 6, 'UTC') AS bucket_start, org_id, project_id, api_key_id, model_id, currency,
    {counters}
FROM ends e INNER JOIN (SELECT * FROM usage_series FINAL) s USING (series_id)
WHERE (toUnixTimestamp64Micro(toDateTime64(hour, 6, 'UTC')), org_id) IN (
    SELECT arrayJoin(arrayZip({{starts:Array(Int64)}}, {{orgs:Array(UUID)}})))
GROUP BY hour, org_id, project_id, api_key_id, model_id, currency

-- name: counters
-- Of lines and of keys, in the order of the columns of both tables.
sumIf(n, status != 'adjustment') AS requests,
    sumIf(n, status = 'success') AS successes,
    sumIf(n, status = 'error') AS errors,
    sumIf(n, status = 'timeout') AS timeouts,
    sumIf(n, status = 'throttled') AS throttled,
    sumIf(n, status = 'cancelled') AS cancelled,
    sumIf(n, status = 'rejected') AS rejected,
    sum(e.input_tokens) AS input_tokens,
    sum(e.cached_input_tokens) AS cached_input_tokens,
    sum(e.output_tokens) AS output_tokens,
    sum(e.reasoning_tokens) AS reasoning_tokens,
    sumIf(n, billable) AS billed_requests,
    sumIf(e.input_tokens - e.cached_input_tokens, billable) AS billed_input_tokens,
    sumIf(e.cached_input_tokens, billable) AS billed_cached_input_tokens,
    sumIf(e.output_tokens, billable) AS billed_output_tokens,
    sumIf(e.cost_pico, status != 'adjustment') AS cost_pico,
    sumIf(n, status = 'adjustment') AS adjustments,
    sumIf(e.cost_pico, status = 'adjustment') AS adjustment_pico

-- name: from_stored
usage_facts
    WHERE occurred_at >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
        AND occurred_at < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
        AND org_id IN {orgs:Array(UUID)}
        AND toStartOfHour(occurred_at) IN (
            SELECT toDateTime(fromUnixTimestamp64Micro(arrayJoin({starts:Array(Int64)}), 'UTC'), 'UTC'))

-- name: from_staged
staged_facts

-- name: group_day_lines
-- A day is the merge of its hours: counters are added, histograms are added bucket by bucket.
SELECT toDateTime64(toStartOfDay(h.bucket_start), 6, 'UTC') AS day, org_id, project_id, model_id, operation, region,
    currency, price_id,
    sum(requests), sum(successes), sum(errors), sum(timeouts), sum(throttled), sum(cancelled), sum(rejected),
    sum(input_tokens), sum(cached_input_tokens), sum(output_tokens), sum(reasoning_tokens), sum(billed_requests),
    sum(billed_input_tokens), sum(billed_cached_input_tokens), sum(billed_output_tokens), sum(cost_pico),
    sum(adjustments), sum(adjustment_pico), sum(latency_sum_ms), min(latency_min), max(latency_max), sum(ttft_sum_ms),
    min(ttft_min), max(ttft_max), max(source_max_received_at),
    (sumMap(latency_idx, latency_n) AS latency).1, latency.2, (sumMap(ttft_idx, ttft_n) AS ttft).1, ttft.2
FROM usage_hours h
WHERE h.bucket_start >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
    AND h.bucket_start < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
    AND org_id IN {orgs:Array(UUID)}
    AND (toUnixTimestamp64Micro(toDateTime64(toStartOfDay(h.bucket_start), 6, 'UTC')), org_id)
        IN (SELECT arrayJoin(arrayZip({starts:Array(Int64)}, {orgs:Array(UUID)})))
    AND (h.bucket_start, org_id, attempt) IN (
        SELECT bucket_start, org_id, attempt FROM newest_attempts
        WHERE grain = 'hour' AND bucket_start >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
            AND bucket_start < fromUnixTimestamp64Micro({to:Int64}, 'UTC'))
GROUP BY day, org_id, project_id, model_id, operation, region, currency, price_id

-- name: group_day_keys
SELECT toDateTime64(toStartOfDay(h.bucket_start), 6, 'UTC') AS day, org_id, project_id, api_key_id, model_id, currency,
    sum(requests), sum(successes), sum(errors), sum(timeouts), sum(throttled), sum(cancelled), sum(rejected),
    sum(input_tokens), sum(cached_input_tokens), sum(output_tokens), sum(reasoning_tokens), sum(billed_requests),
    sum(billed_input_tokens), sum(billed_cached_input_tokens), sum(billed_output_tokens), sum(cost_pico),
    sum(adjustments), sum(adjustment_pico)
FROM usage_hour_keys h
WHERE h.bucket_start >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
    AND h.bucket_start < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
    AND org_id IN {orgs:Array(UUID)}
    AND (toUnixTimestamp64Micro(toDateTime64(toStartOfDay(h.bucket_start), 6, 'UTC')), org_id)
        IN (SELECT arrayJoin(arrayZip({starts:Array(Int64)}, {orgs:Array(UUID)})))
    AND (h.bucket_start, org_id, attempt) IN (
        SELECT bucket_start, org_id, attempt FROM newest_attempts
        WHERE grain = 'hour' AND bucket_start >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
            AND bucket_start < fromUnixTimestamp64Micro({to:Int64}, 'UTC'))
GROUP BY day, org_id, project_id, api_key_id, model_id, currency

-- name: insert_lines
-- Goes before a grouping, whose columns stand in the order of the table after these two.
INSERT INTO {target:Identifier} SELECT {attempt:UInt128}, {run_id:UUID}, grouped.* FROM

-- name: show_lines
-- Goes before a grouping: its rows as PostgreSQL's COPY reads them, whose text is that of TabSeparated but for arrays.
SELECT {run_id:UUID}, grouped.* REPLACE (
    concat('{', arrayStringConcat(latency_idx, ','), '}') AS latency_idx,
    concat('{', arrayStringConcat(latency_n, ','), '}') AS latency_n,
    concat('{', arrayStringConcat(ttft_idx, ','), '}') AS ttft_idx,
    concat('{', arrayStringConcat(ttft_n, ','), '}') AS ttft_n)
FROM

-- name: show_keys
SELECT {run_id:UUID}, grouped.* FROM

-- name: read_newest_attempt
SELECT max(attempt) FROM newest_attempts
WHERE grain = {grain:String} AND bucket_start >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
    AND bucket_start < fromUnixTimestamp64Micro({to:Int64}, 'UTC') AND org_id IN {orgs:Array(UUID)}

-- name: insert_attempts
INSERT INTO bucket_attempts
SELECT {grain:String}, fromUnixTimestamp64Micro(bucket.1, 'UTC'), bucket.2, {attempt:UInt128}
FROM (SELECT arrayJoin(arrayZip({starts:Array(Int64)}, {orgs:Array(UUID)})) AS bucket)

-- name: count_current
SELECT toInt64(count()), toInt64(sum(requests + adjustments)) FROM {target:Identifier} t
WHERE bucket_start >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
    AND bucket_start < fromUnixTimestamp64Micro({to:Int64}, 'UTC') AND org_id IN {orgs:Array(UUID)}
    AND (toUnixTimestamp64Micro(t.bucket_start), org_id) IN (
        SELECT arrayJoin(arrayZip({starts:Array(Int64)}, {orgs:Array(UUID)})))
    AND (t.bucket_start, org_id, attempt) IN (
        SELECT bucket_start, org_id, attempt FROM newest_attempts
        WHERE grain = {grain:String} AND bucket_start >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
            AND bucket_start < fromUnixTimestamp64Micro({to:Int64}, 'UTC'))

-- name: count_written
SELECT toInt64(count()), toInt64(sum(requests + adjustments)) FROM {target:Identifier} WHERE attempt = {attempt:UInt128}

-- name: delete_superseded
-- What a bucket's newest attempt superseded goes when the next one begins: who reads meanwhile still finds it.
DELETE FROM {target:Identifier}
WHERE bucket_start >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
    AND bucket_start < fromUnixTimestamp64Micro({to:Int64}, 'UTC') AND org_id IN {orgs:Array(UUID)}
    AND (toUnixTimestamp64Micro(bucket_start), org_id) IN (
        SELECT arrayJoin(arrayZip({starts:Array(Int64)}, {orgs:Array(UUID)})))
    AND (bucket_start, org_id, attempt) NOT IN (
        SELECT bucket_start, org_id, attempt FROM newest_attempts
        WHERE grain = {grain:String} AND bucket_start >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
            AND bucket_start < fromUnixTimestamp64Micro({to:Int64}, 'UTC'))

-- name: copy_series
-- Of PostgreSQL.
COPY (SELECT series_id, org_id, project_id, api_key_id, model_id, operation, region, currency, price_id
    FROM aias.usage_series WHERE org_id = ANY(%(orgs)s)) TO STDOUT

-- name: copy_facts
-- Of PostgreSQL, in the order of the columns of usage_facts.
COPY (SELECT event_id, org_id, occurred_at, received_at, series_id, coalesce(status, 'adjustment'), billable::int,
        input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, cost_pico, coalesce(duration_ms, 0),
        coalesce(ttft_ms, -1), coalesce(latency_bucket, -2), coalesce(ttft_bucket, -2)
    FROM aias.usage_facts
    WHERE org_id = ANY(%(orgs)s) AND occurred_at >= %(hour)s
        AND occurred_at < %(hour)s::timestamptz + interval '1 hour') TO STDOUT

-- name: read_staged_facts
-- Of PostgreSQL, in the order of the columns of staged_facts. One value holds all facts of a slice, because a row of
-- the protocol for each fact would take as long as grouping it. Nothing in it needs an escape.
SELECT string_agg(concat_ws(E'\t', %(hour)s::text, received_at, series_id, coalesce(status, 'adjustment'),
        billable::int, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, cost_pico,
        coalesce(duration_ms, 0), coalesce(ttft_ms, -1), coalesce(latency_bucket, -2), coalesce(ttft_bucket, -2)), E'\n')
FROM aias.usage_facts
WHERE org_id = ANY(%(orgs)s) AND occurred_at >= %(start)s AND occurred_at < %(end)s

-- name: forget_staged
TRUNCATE TABLE staged_facts

-- name: count_staged
SELECT count() FROM staged_facts
