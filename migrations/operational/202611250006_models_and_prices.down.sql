-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Removes what the file made, with its rows

DROP TABLE aias.routing_policies;
DROP TRIGGER models_price_tg ON aias.models;
DROP FUNCTION aias.require_price();
DROP TRIGGER model_prices_not_past_tg ON aias.model_prices;
DROP FUNCTION aias.refuse_past_price();
DROP TABLE aias.model_prices;
DROP TABLE aias.model_grants;
DROP TABLE aias.backend_flags;
DROP TABLE aias.model_deployments;
DROP TABLE aias.model_aliases;
DROP TABLE aias.model_revisions;
DROP TABLE aias.models;
