DROP TABLE aias.model_prices;
DROP TABLE aias.model_deployments;
DROP TABLE aias.model_revisions;
DROP TABLE aias.models;
