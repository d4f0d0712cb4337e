-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Removes what the file made, with its rows

DROP VIEW aias.readable_dim_versions;
DROP VIEW aias.readable_dim_keys;
DROP VIEW aias.readable_dim_prices;
DROP VIEW aias.readable_dim_models;
DROP VIEW aias.readable_dim_projects;
DROP VIEW aias.readable_dim_organizations;
DROP VIEW aias.readable_statement_lines;
DROP VIEW aias.readable_export_jobs;
DROP VIEW aias.readable_reconcile_findings;
DROP VIEW aias.readable_usage_day_keys;
DROP VIEW aias.readable_usage_days;
DROP VIEW aias.readable_usage_hour_keys;
DROP VIEW aias.readable_usage_hours;
DROP VIEW aias.readable_source_totals;
DROP VIEW aias.readable_usage_facts;
