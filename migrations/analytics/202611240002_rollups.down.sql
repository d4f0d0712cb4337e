DROP TABLE aias.dim_prices;
DROP TABLE aias.dim_models;
DROP TABLE aias.dim_organizations;
DROP TABLE aias.reconcile_runs;
DROP TABLE aias.rollup_runs;
DROP TABLE aias.dirty_days;
DROP TABLE aias.usage_days;
DROP TABLE aias.usage_hours;
