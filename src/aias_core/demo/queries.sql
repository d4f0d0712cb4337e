-- name: list_facts
SELECT event_id FROM aias.usage_facts

-- name: count_facts
SELECT count(*) FROM aias.usage_facts

-- name: sum_usage_facts
SELECT count(*), sum(input_tokens + output_tokens), sum(cost_pico) FROM aias.usage_facts

-- name: sum_usage_hours
SELECT sum(requests), sum(input_tokens + output_tokens), sum(cost_pico) FROM aias.usage_hours

-- name: sum_usage_days
SELECT sum(requests), sum(input_tokens + output_tokens), sum(cost_pico) FROM aias.usage_days
