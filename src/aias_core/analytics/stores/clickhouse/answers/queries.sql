-- name: select_counters
-- Series and totals are two grouping sets of one scan, so that they cannot disagree.
SELECT grouping(bucket) = 1 AS is_total, {columns},
    sum(source.requests), sum(source.successes), sum(source.errors), sum(source.timeouts), sum(source.throttled),
    sum(source.cancelled), sum(source.rejected), sum(source.input_tokens), sum(source.cached_input_tokens),
    sum(source.output_tokens), sum(source.reasoning_tokens), sum(source.cost_pico), sum(source.adjustment_pico)
FROM ({source}) source
GROUP BY GROUPING SETS (({columns}), ({total_columns}))
LIMIT {{limit:UInt64}}

-- name: select_histograms
SELECT {columns}, (sumMap(source.latency_idx, source.latency_n) AS latency).1, latency.2,
    (sumMap(source.ttft_idx, source.ttft_n) AS ttft).1, ttft.2
FROM ({source}) source
GROUP BY {columns}

-- name: select_fact_histograms
-- The same histograms as a rollup's, counted as the lengths of runs.
SELECT {columns},
    arrayCompact(arraySort(groupArrayIf(latency_bucket, status = 'success')) AS latency_sorted) AS latency_idx,
    arrayMap((last, before) -> toInt64(last - before), arrayFilter((place, value, next) -> value != next,
        arrayEnumerate(latency_sorted), latency_sorted, arrayShiftLeft(latency_sorted, 1, -2)) AS latency_ends,
        arrayShiftRight(latency_ends, 1, 0)) AS latency_n,
    arrayCompact(arraySort(groupArrayIf(ttft_bucket, status = 'success' AND ttft_bucket > -2)) AS ttft_sorted)
        AS ttft_idx,
    arrayMap((last, before) -> toInt64(last - before), arrayFilter((place, value, next) -> value != next,
        arrayEnumerate(ttft_sorted), ttft_sorted, arrayShiftLeft(ttft_sorted, 1, -2)) AS ttft_ends,
        arrayShiftRight(ttft_ends, 1, 0)) AS ttft_n
FROM ({source}) source
GROUP BY {columns}

-- name: source_rollups
SELECT roundDown(toUnixTimestamp64Micro(t.bucket_start), {{edges:Array(Int64)}}) AS bucket, t.*
FROM {{relation:Identifier}} t
WHERE t.bucket_start >= fromUnixTimestamp64Micro({{from:Int64}}, 'UTC')
    AND t.bucket_start < fromUnixTimestamp64Micro({{to:Int64}}, 'UTC')
    AND (t.bucket_start, org_id, attempt) IN (
        SELECT bucket_start, org_id, attempt FROM newest_attempts
        WHERE grain = {{grain:String}} AND bucket_start >= fromUnixTimestamp64Micro({{from:Int64}}, 'UTC')
            AND bucket_start < fromUnixTimestamp64Micro({{to:Int64}}, 'UTC'))
    AND {filters}

-- name: source_facts
SELECT roundDown(toUnixTimestamp64Micro(occurred_at), {{edges:Array(Int64)}}) AS bucket,
    f.org_id AS org_id, project_id, api_key_id, model_id, operation, region, currency,
    nullIf(toString(f.status), 'adjustment') AS status,
    toInt64(f.status != 'adjustment') AS requests,
    toInt64(f.status = 'success') AS successes,
    toInt64(f.status = 'error') AS errors,
    toInt64(f.status = 'timeout') AS timeouts,
    toInt64(f.status = 'throttled') AS throttled,
    toInt64(f.status = 'cancelled') AS cancelled,
    toInt64(f.status = 'rejected') AS rejected,
    f.input_tokens AS input_tokens, f.cached_input_tokens AS cached_input_tokens, f.output_tokens AS output_tokens,
    f.reasoning_tokens AS reasoning_tokens,
    toInt128(if(f.status = 'adjustment', 0, f.cost_pico)) AS cost_pico,
    toInt128(if(f.status = 'adjustment', f.cost_pico, 0)) AS adjustment_pico,
    latency_bucket, ttft_bucket
FROM usage_facts f INNER JOIN (SELECT * EXCEPT org_id FROM usage_series FINAL) s USING (series_id)
WHERE occurred_at >= fromUnixTimestamp64Micro({{from:Int64}}, 'UTC')
    AND occurred_at < fromUnixTimestamp64Micro({{to:Int64}}, 'UTC')
    AND {filters}

-- name: where_orgs
org_id IN {orgs:Array(UUID)}

-- name: where_model
(model_id IN {model:Array(UUID)} OR (model_id IS NULL AND {model_or_null:Bool}))

-- name: where_project
(project_id IN {project:Array(UUID)} OR (project_id IS NULL AND {project_or_null:Bool}))

-- name: where_key
(api_key_id IN {key:Array(UUID)} OR (api_key_id IS NULL AND {key_or_null:Bool}))

-- name: where_operation
operation IN {operation:Array(String)}

-- name: where_region
region IN {region:Array(String)}

-- name: where_held
api_key_id IN {held:Array(UUID)}
