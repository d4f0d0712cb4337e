-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Removes what the file made, with its rows

DROP TABLE aias.declarative_objects;
DROP TABLE aias.declarative_runs;
DROP TRIGGER declarative_revisions_forward_tg ON aias.declarative_revisions;
DROP FUNCTION aias.refuse_backward_revision();
ALTER TABLE aias.declarative_sources DROP CONSTRAINT declarative_sources_last_revision_id_fkey;
DROP TABLE aias.declarative_revisions;
DROP TABLE aias.declarative_sources;
