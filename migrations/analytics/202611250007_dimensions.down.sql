-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Removes what the file made, with its rows

DROP TRIGGER dim_keys_version_tg ON aias.dim_keys;
DROP TRIGGER dim_prices_version_tg ON aias.dim_prices;
DROP TRIGGER dim_models_version_tg ON aias.dim_models;
DROP TRIGGER dim_projects_version_tg ON aias.dim_projects;
DROP TRIGGER dim_organizations_version_tg ON aias.dim_organizations;
DROP FUNCTION aias.keep_dimension_version();
DROP TABLE aias.dim_versions;
DROP TABLE aias.dim_keys;
DROP TABLE aias.dim_prices;
DROP TABLE aias.dim_models;
DROP TABLE aias.dim_projects;
DROP TABLE aias.dim_organizations;
