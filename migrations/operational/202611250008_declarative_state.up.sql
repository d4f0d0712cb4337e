-- aias: phase = expand
-- aias: author = platform
-- aias: risk = New tables only; nothing exists that could wait

CREATE TABLE aias.declarative_sources (
    org_id uuid NOT NULL,
    mode text NOT NULL DEFAULT 'disabled',
    repository_url text,
    branch text,
    path text NOT NULL DEFAULT '.',
    verify_signatures bool NOT NULL DEFAULT true,
    signers jsonb NOT NULL DEFAULT '[]',
    credentials_ciphertext bytea,
    enc_kid text,
    webhook_secret_ciphertext bytea,
    on_drift jsonb NOT NULL DEFAULT '{}',
    paused_sections jsonb NOT NULL DEFAULT '{}',
    last_revision_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT declarative_sources_pkey PRIMARY KEY (org_id),
    CONSTRAINT declarative_sources_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT declarative_sources_mode_check CHECK (mode IN ('disabled', 'enabled', 'paused')),
    CONSTRAINT declarative_sources_repository_check
        CHECK (mode <> 'enabled' OR (repository_url IS NOT NULL AND branch IS NOT NULL)),
    CONSTRAINT declarative_sources_enc_kid_check
        CHECK (coalesce(credentials_ciphertext, webhook_secret_ciphertext) IS NULL OR enc_kid IS NOT NULL)
);
CREATE TRIGGER declarative_sources_touch_tg BEFORE UPDATE ON aias.declarative_sources
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

ALTER TABLE aias.declarative_sources ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.declarative_sources FORCE ROW LEVEL SECURITY;
CREATE POLICY declarative_sources_tenant ON aias.declarative_sources FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY declarative_sources_platform ON aias.declarative_sources TO aias_identity, aias_owner
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON aias.declarative_sources TO aias_identity;
GRANT SELECT (
    org_id, mode, repository_url, branch, path, verify_signatures, signers, enc_kid, on_drift, paused_sections,
    last_revision_id, created_at, updated_at, row_version
) ON aias.declarative_sources TO aias_reader;

COMMENT ON TABLE aias.declarative_sources IS 'Where an organization''s desired state lives';
COMMENT ON COLUMN aias.declarative_sources.org_id IS 'The organization';
COMMENT ON COLUMN aias.declarative_sources.mode IS 'disabled, enabled or paused';
COMMENT ON COLUMN aias.declarative_sources.repository_url IS 'The Git repository';
COMMENT ON COLUMN aias.declarative_sources.branch IS 'The branch';
COMMENT ON COLUMN aias.declarative_sources.path IS 'The folder in it';
COMMENT ON COLUMN aias.declarative_sources.verify_signatures IS 'Whether commits must be signed by a registered signer';
COMMENT ON COLUMN aias.declarative_sources.signers IS 'Public keys that may sign';
COMMENT ON COLUMN aias.declarative_sources.credentials_ciphertext
    IS 'Access to the repository, AES-256-GCM under enc_kid';
COMMENT ON COLUMN aias.declarative_sources.enc_kid IS 'Encryption key of credentials_ciphertext';
COMMENT ON COLUMN aias.declarative_sources.webhook_secret_ciphertext
    IS 'Secret of push events, AES-256-GCM under enc_kid';
COMMENT ON COLUMN aias.declarative_sources.on_drift IS 'revert or report, for each section';
COMMENT ON COLUMN aias.declarative_sources.paused_sections IS 'Sections an owner overrode, and until when';
COMMENT ON COLUMN aias.declarative_sources.last_revision_id IS 'The revision that is in force';
COMMENT ON COLUMN aias.declarative_sources.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.declarative_sources.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.declarative_sources.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

CREATE TABLE aias.declarative_revisions (
    revision_id uuid NOT NULL,
    org_id uuid NOT NULL,
    commit_id text NOT NULL,
    commit_time timestamptz NOT NULL,
    signer text,
    status text NOT NULL DEFAULT 'pending',
    document_sha256 bytea NOT NULL,
    document jsonb NOT NULL,
    diff jsonb NOT NULL DEFAULT '{}',
    error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT declarative_revisions_pkey PRIMARY KEY (revision_id),
    CONSTRAINT declarative_revisions_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT declarative_revisions_org_id_commit_id_key UNIQUE (org_id, commit_id),
    CONSTRAINT declarative_revisions_status_check
        CHECK (status IN ('pending', 'awaiting_approval', 'syncing', 'synced', 'failed', 'drift', 'superseded')),
    CONSTRAINT declarative_revisions_document_sha256_check CHECK (octet_length(document_sha256) = 32)
);
CREATE TRIGGER declarative_revisions_touch_tg BEFORE UPDATE ON aias.declarative_revisions
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

ALTER TABLE aias.declarative_revisions ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.declarative_revisions FORCE ROW LEVEL SECURITY;
CREATE POLICY declarative_revisions_tenant ON aias.declarative_revisions FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY declarative_revisions_platform ON aias.declarative_revisions TO aias_identity, aias_owner
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON aias.declarative_revisions TO aias_identity;
GRANT SELECT ON aias.declarative_revisions TO aias_reader;

COMMENT ON TABLE aias.declarative_revisions IS 'Commits of a source and what became of them; they move forward only';
COMMENT ON COLUMN aias.declarative_revisions.revision_id IS 'The revision; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.declarative_revisions.org_id IS 'The organization';
COMMENT ON COLUMN aias.declarative_revisions.commit_id IS 'The commit';
COMMENT ON COLUMN aias.declarative_revisions.commit_time IS 'When it was committed';
COMMENT ON COLUMN aias.declarative_revisions.signer IS 'Who signed it';
COMMENT ON COLUMN aias.declarative_revisions.status IS 'Where it stands between pending and superseded';
COMMENT ON COLUMN aias.declarative_revisions.document_sha256 IS 'SHA-256 of the merged document';
COMMENT ON COLUMN aias.declarative_revisions.document IS 'The merged document';
COMMENT ON COLUMN aias.declarative_revisions.diff IS 'What it changes';
COMMENT ON COLUMN aias.declarative_revisions.error IS 'The first fault, with file, line and column';
COMMENT ON COLUMN aias.declarative_revisions.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.declarative_revisions.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.declarative_revisions.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';

ALTER TABLE aias.declarative_sources ADD CONSTRAINT declarative_sources_last_revision_id_fkey
    FOREIGN KEY (last_revision_id) REFERENCES aias.declarative_revisions (revision_id) ON DELETE SET NULL;
CREATE INDEX declarative_sources_last_revision_id_idx ON aias.declarative_sources (last_revision_id)
    WHERE last_revision_id IS NOT NULL;

CREATE FUNCTION aias.refuse_backward_revision() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF OLD.status = 'superseded' OR NEW.status = 'pending' THEN
        RAISE EXCEPTION 'a revision cannot go from % to %', OLD.status, NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'declarative_revisions_forward_check';
    END IF;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION aias.refuse_backward_revision() FROM PUBLIC;
COMMENT ON FUNCTION aias.refuse_backward_revision()
    IS 'Refuses to take a revision back to pending, or to revive one that another superseded';

CREATE TRIGGER declarative_revisions_forward_tg BEFORE UPDATE ON aias.declarative_revisions
    FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION aias.refuse_backward_revision();

CREATE TABLE aias.declarative_runs (
    run_id uuid NOT NULL,
    org_id uuid NOT NULL,
    revision_id uuid NOT NULL,
    status text NOT NULL DEFAULT 'running',
    attempt int NOT NULL DEFAULT 1,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    errors jsonb NOT NULL DEFAULT '[]',
    CONSTRAINT declarative_runs_pkey PRIMARY KEY (run_id),
    CONSTRAINT declarative_runs_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT declarative_runs_revision_id_fkey
        FOREIGN KEY (revision_id) REFERENCES aias.declarative_revisions (revision_id) ON DELETE CASCADE,
    CONSTRAINT declarative_runs_revision_id_attempt_key UNIQUE (revision_id, attempt),
    CONSTRAINT declarative_runs_status_check CHECK (status IN ('running', 'succeeded', 'failed', 'rolled_back')),
    CONSTRAINT declarative_runs_attempt_check CHECK (attempt >= 1),
    CONSTRAINT declarative_runs_finished_at_check CHECK ((status = 'running') = (finished_at IS NULL))
);
CREATE INDEX declarative_runs_org_id_idx ON aias.declarative_runs (org_id);

ALTER TABLE aias.declarative_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.declarative_runs FORCE ROW LEVEL SECURITY;
CREATE POLICY declarative_runs_tenant ON aias.declarative_runs FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY declarative_runs_platform ON aias.declarative_runs TO aias_identity, aias_owner
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON aias.declarative_runs TO aias_identity;
GRANT SELECT ON aias.declarative_runs TO aias_reader;

COMMENT ON TABLE aias.declarative_runs IS 'Attempts to apply a revision';
COMMENT ON COLUMN aias.declarative_runs.run_id IS 'The attempt; a UUIDv7 minted by the application';
COMMENT ON COLUMN aias.declarative_runs.org_id IS 'The organization';
COMMENT ON COLUMN aias.declarative_runs.revision_id IS 'The revision';
COMMENT ON COLUMN aias.declarative_runs.status IS 'running, succeeded, failed or rolled_back';
COMMENT ON COLUMN aias.declarative_runs.attempt IS 'Which attempt it is';
COMMENT ON COLUMN aias.declarative_runs.started_at IS 'When it began';
COMMENT ON COLUMN aias.declarative_runs.finished_at IS 'When it ended';
COMMENT ON COLUMN aias.declarative_runs.errors IS 'What went wrong';

CREATE TABLE aias.declarative_objects (
    org_id uuid NOT NULL,
    kind text NOT NULL,
    key text NOT NULL,
    owner text NOT NULL,
    applied_sha256 bytea,
    source_file text,
    source_line int,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    row_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT declarative_objects_pkey PRIMARY KEY (org_id, kind, key),
    CONSTRAINT declarative_objects_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES aias.organizations (org_id) ON DELETE RESTRICT,
    CONSTRAINT declarative_objects_owner_check CHECK (owner IN ('git', 'api')),
    CONSTRAINT declarative_objects_applied_sha256_check CHECK (octet_length(applied_sha256) = 32)
);
CREATE TRIGGER declarative_objects_touch_tg BEFORE UPDATE ON aias.declarative_objects
    FOR EACH ROW EXECUTE FUNCTION aias.touch_row();

ALTER TABLE aias.declarative_objects ENABLE ROW LEVEL SECURITY;
ALTER TABLE aias.declarative_objects FORCE ROW LEVEL SECURITY;
CREATE POLICY declarative_objects_tenant ON aias.declarative_objects FOR SELECT TO aias_reader
    USING (org_id = nullif(current_setting('aias.org_id', true), '')::uuid);
CREATE POLICY declarative_objects_platform ON aias.declarative_objects TO aias_identity, aias_owner
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON aias.declarative_objects TO aias_identity;
GRANT SELECT ON aias.declarative_objects TO aias_reader;

COMMENT ON TABLE aias.declarative_objects IS 'Who owns which object of an organization: Git or the API';
COMMENT ON COLUMN aias.declarative_objects.org_id IS 'The organization';
COMMENT ON COLUMN aias.declarative_objects.kind IS 'Kind of the object: a section of the document';
COMMENT ON COLUMN aias.declarative_objects.key IS 'Its natural key within the kind';
COMMENT ON COLUMN aias.declarative_objects.owner IS 'git or api';
COMMENT ON COLUMN aias.declarative_objects.applied_sha256 IS 'SHA-256 of what Git last applied';
COMMENT ON COLUMN aias.declarative_objects.source_file IS 'File that names it';
COMMENT ON COLUMN aias.declarative_objects.source_line IS 'Line that names it';
COMMENT ON COLUMN aias.declarative_objects.created_at IS 'When the row was made';
COMMENT ON COLUMN aias.declarative_objects.updated_at IS 'When the row was last changed; set by trigger';
COMMENT ON COLUMN aias.declarative_objects.row_version
    IS 'Counts the changes of the row; the ETag of the resource; set by trigger';
