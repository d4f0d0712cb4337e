-- name: pin_settings
-- What PostgreSQL prints of an expression depends on the first; the others keep the time linear in the number of objects.
SELECT set_config(name, value, true) FROM (VALUES ('search_path', ''), ('TimeZone', 'UTC'), ('DateStyle', 'ISO'),
    ('IntervalStyle', 'postgres'), ('bytea_output', 'hex'), ('extra_float_digits', '1'), ('quote_all_identifiers', 'off'),
    ('jit', 'off'), ('enable_nestloop', 'off'), ('work_mem', '64MB')) pinned (name, value)

-- name: list_objects
-- Each object of the database that a migration can make, with the SQL that makes it and the SQL that removes it.
-- Partitions are left out, but for the default one: maintenance makes them. So are objects of extensions and of the engine.
-- `needs` are identities of what an object belongs to; what else it depends on is in pg_depend.
WITH database AS (
    SELECT datdba AS owner FROM pg_catalog.pg_database WHERE datname = current_database()
), members AS (
    SELECT DISTINCT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'
), namespaces AS (
    SELECT oid, nspname, nspacl, nspowner FROM pg_catalog.pg_namespace
    WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'aias_migrations')
), relations AS (
    SELECT c.*, format('%I.%I', n.nspname, c.relname) AS name, n.oid AS schema_oid,
        CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS noun,
        (SELECT string_agg(option, ', ' ORDER BY option COLLATE "C") FROM (
            SELECT regexp_replace(o, '^([^=]*)=(.*)$', '\1=''\2''') FROM unnest(c.reloptions) o
            UNION ALL SELECT regexp_replace(o, '^([^=]*)=(.*)$', 'toast.\1=''\2''') FROM unnest(t.reloptions) o) x (option)) AS options
    FROM pg_catalog.pg_class c JOIN namespaces n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_class t ON t.oid = c.reltoastrelid AND c.relkind = 'r'
    WHERE NOT c.relispartition AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
        AND NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid)
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid)
), tables AS (
    SELECT * FROM relations WHERE relkind IN ('r', 'p')
), sequences AS (
    SELECT r.oid, r.name, r.schema_oid, format('START %s INCREMENT %s MINVALUE %s MAXVALUE %s CACHE %s%s', s.seqstart, s.seqincrement,
            s.seqmin, s.seqmax, s.seqcache, CASE WHEN s.seqcycle THEN ' CYCLE' ELSE ' NO CYCLE' END) AS options,
        pg_catalog.format_type(s.seqtypid, NULL) AS type_name, r.relpersistence, d.deptype, d.refobjid AS owner_oid, d.refobjsubid AS owner_column
    FROM relations r JOIN pg_catalog.pg_sequence s ON s.seqrelid = r.oid
    LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.objsubid = 0
        AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
), routines AS (
    SELECT p.*, format('%I.%I(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)) AS name,
        n.oid AS schema_oid, CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END AS noun
    FROM pg_catalog.pg_proc p JOIN namespaces n ON n.oid = p.pronamespace
    WHERE p.prokind <> 'a' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype IN ('e', 'i'))
), types AS (
    SELECT t.*, format('%I.%I', n.nspname, t.typname) AS name, n.oid AS schema_oid, CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END AS noun
    FROM pg_catalog.pg_type t JOIN namespaces n ON n.oid = t.typnamespace
    LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
    WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND c.relkind = 'c')
        AND NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid)
), columns AS (
    SELECT r.oid, r.name AS table_name, a.*, format('%s.%I', r.name, a.attname) AS name, d.oid AS default_oid,
        pg_catalog.format_type(a.atttypid, a.atttypmod) AS type_name, t.typstorage,
        CASE WHEN a.attcollation <> t.typcollation THEN ' COLLATE ' || a.attcollation::regcollation END AS collation_clause,
        a.attnotnull AND unproven.conrelid IS NULL AS not_null, pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS expression,
        CASE WHEN a.attidentity <> '' THEN format(' GENERATED %s AS IDENTITY (SEQUENCE NAME %s %s)',
            CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END, s.name, s.options) END AS identity_clause, s.options AS identity_options
    FROM tables r
    JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    LEFT JOIN sequences s ON s.deptype = 'i' AND s.owner_oid = a.attrelid AND s.owner_column = a.attnum
    LEFT JOIN pg_catalog.pg_constraint unproven ON unproven.conrelid = a.attrelid AND unproven.contype = 'n'
        AND NOT unproven.convalidated AND unproven.conkey = ARRAY[a.attnum]
), definitions AS (
    SELECT c.*, concat(quote_ident(attname), ' ', type_name, collation_clause, identity_clause,
        CASE attgenerated WHEN 's' THEN format(' GENERATED ALWAYS AS (%s) STORED', expression)
            WHEN 'v' THEN format(' GENERATED ALWAYS AS (%s) VIRTUAL', expression) END, CASE WHEN not_null THEN ' NOT NULL' END) AS definition
    FROM columns c
), constraints AS (
    SELECT k.*, r.name AS table_name, pg_catalog.pg_get_constraintdef(k.oid) AS definition
    FROM tables r JOIN pg_catalog.pg_constraint k ON k.conrelid = r.oid
    WHERE k.conparentid = 0 AND (k.contype IN ('c', 'f', 'p', 'u', 'x') OR k.contype = 'n' AND NOT k.convalidated)
), objects (class, oid, sub, kind, name, table_name, target, made_by, removed_by, facts, needs) AS (
    SELECT 'pg_namespace'::regclass::oid, oid, 0, 'schema', quote_ident(nspname), NULL, format('SCHEMA %I', nspname),
        format('CREATE SCHEMA %I', nspname), format('DROP SCHEMA %I', nspname), NULL::jsonb, NULL::text[]
    FROM namespaces WHERE nspname <> 'public'
    UNION ALL
    SELECT 'pg_type'::regclass, oid, 0, 'type', name, NULL, format('%s %s', noun, name),
        CASE typtype WHEN 'e' THEN format('CREATE TYPE %s AS ENUM (%s)', name,
            (SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid))
        WHEN 'r' THEN (SELECT format('CREATE TYPE %s AS RANGE (SUBTYPE = %s)', name, pg_catalog.format_type(rngsubtype, NULL))
            FROM pg_catalog.pg_range g WHERE g.rngtypid = t.oid)
        WHEN 'c' THEN format('CREATE TYPE %s AS (%s)', name,
            (SELECT string_agg(format('%I %s', attname, pg_catalog.format_type(atttypid, atttypmod)), ', ' ORDER BY attnum)
             FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.typrelid AND attnum > 0 AND NOT attisdropped))
        ELSE concat('CREATE DOMAIN ', name, ' AS ', pg_catalog.format_type(typbasetype, typtypmod),
            (SELECT ' COLLATE ' || t.typcollation::regcollation FROM pg_catalog.pg_type b WHERE b.oid = t.typbasetype AND b.typcollation <> t.typcollation),
            ' DEFAULT ' || pg_catalog.pg_get_expr(typdefaultbin, 0), CASE WHEN typnotnull THEN ' NOT NULL' END) END,
        format('DROP %s %s', noun, name),
        jsonb_build_object('form', typtype, 'default', pg_catalog.pg_get_expr(typdefaultbin, 0), 'not_null', typnotnull,
            'base', CASE WHEN typtype = 'd' THEN pg_catalog.format_type(typbasetype, typtypmod) END,
            'labels', (SELECT jsonb_agg(enumlabel ORDER BY enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid)), NULL
    FROM types t
    UNION ALL
    SELECT 'pg_constraint'::regclass, k.oid, 0, 'domain_constraint', format('%s.%I', t.name, k.conname), NULL,
        format('CONSTRAINT %I ON DOMAIN %s', k.conname, t.name),
        format('ALTER DOMAIN %s ADD CONSTRAINT %I %s', t.name, k.conname, pg_catalog.pg_get_constraintdef(k.oid)),
        format('ALTER DOMAIN %s DROP CONSTRAINT %I', t.name, k.conname), NULL, NULL
    FROM types t JOIN pg_catalog.pg_constraint k ON k.contypid = t.oid AND k.contype = 'c'
    UNION ALL
    SELECT 'pg_class'::regclass, oid, 0, 'sequence', name, NULL, format('SEQUENCE %s', name),
        concat('CREATE ', CASE relpersistence WHEN 'u' THEN 'UNLOGGED ' END, 'SEQUENCE ', name, ' AS ', type_name, ' ', options),
        format('DROP SEQUENCE %s', name), jsonb_build_object('options', concat('AS ', type_name, ' ', options)), NULL
    FROM sequences WHERE deptype IS DISTINCT FROM 'i'
    UNION ALL
    SELECT 'pg_class'::regclass, r.oid, 0, 'table', r.name, r.name, format('TABLE %s', r.name),
        concat('CREATE ', CASE relpersistence WHEN 'u' THEN 'UNLOGGED ' END, 'TABLE ', r.name, ' ()',
            ' PARTITION BY ' || CASE relkind WHEN 'p' THEN pg_catalog.pg_get_partkeydef(r.oid) END, ' WITH (' || options || ')'),
        format('DROP TABLE %s', r.name),
        jsonb_build_object('partition_key', CASE relkind WHEN 'p' THEN pg_catalog.pg_get_partkeydef(r.oid) END,
            'unlogged', relpersistence = 'u', 'options', options), NULL
    FROM tables r
    UNION ALL
    SELECT 'pg_class'::regclass, c.oid, 0, 'partition', format('%I.%I', n.nspname, c.relname), r.name, NULL,
        format('CREATE TABLE %I.%I PARTITION OF %s DEFAULT', n.nspname, c.relname, r.name),
        format('DROP TABLE %I.%I', n.nspname, c.relname), NULL, ARRAY[concat('pg_class'::regclass::oid, '.', r.oid, '.0')]
    FROM tables r JOIN pg_catalog.pg_inherits i ON i.inhparent = r.oid JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE pg_catalog.pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT'
    UNION ALL
    SELECT 'pg_class'::regclass, attrelid, attnum, 'column', name, table_name, format('COLUMN %s', name),
        format('ALTER TABLE %s ADD COLUMN %s', table_name, definition), format('ALTER TABLE %s DROP COLUMN %I', table_name, attname),
        jsonb_build_object('column', attname, 'quoted', quote_ident(attname), 'type', type_name, 'collation', collation_clause, 'not_null', not_null,
            'generated', CASE WHEN attgenerated <> '' THEN expression END, 'stored', attgenerated = 's', 'identity', identity_clause,
            'identity_options', identity_options, 'identity_always', attidentity = 'a', 'position', attnum, 'definition', definition),
        ARRAY[concat('pg_class'::regclass::oid, '.', attrelid, '.0')]
    FROM definitions
    UNION ALL
    SELECT 'pg_attrdef'::regclass, default_oid, 0, 'default', name, table_name, NULL,
        format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', table_name, attname, expression),
        format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', table_name, attname), jsonb_build_object('expression', expression),
        ARRAY[concat('pg_class'::regclass::oid, '.', attrelid, '.', attnum)]
    FROM columns WHERE default_oid IS NOT NULL AND attgenerated = ''
    UNION ALL
    SELECT 'pg_class'::regclass, s.oid, -1, 'sequence_owner', s.name, c.table_name, NULL,
        format('ALTER SEQUENCE %s OWNED BY %s', s.name, c.name), format('ALTER SEQUENCE %s OWNED BY NONE', s.name), NULL,
        ARRAY[concat('pg_class'::regclass::oid, '.', s.oid, '.0'), concat('pg_class'::regclass::oid, '.', c.attrelid, '.', c.attnum)]
    FROM sequences s JOIN columns c ON c.attrelid = s.owner_oid AND c.attnum = s.owner_column WHERE s.deptype = 'a'
    UNION ALL
    SELECT 'pg_constraint'::regclass, oid, 0, CASE contype WHEN 'f' THEN 'foreign_key' ELSE 'constraint' END, format('%s.%I', table_name, conname),
        table_name, format('CONSTRAINT %I ON %s', conname, table_name),
        format('ALTER TABLE %s ADD CONSTRAINT %I %s', table_name, conname, definition),
        format('ALTER TABLE %s DROP CONSTRAINT %I', table_name, conname),
        jsonb_build_object('constraint', conname, 'type', contype, 'validated', convalidated, 'definition', definition,
            'columns', (SELECT jsonb_agg(a.attname ORDER BY u.ordinality) FROM unnest(conkey) WITH ORDINALITY u (attnum, ordinality)
                JOIN pg_catalog.pg_attribute a ON a.attrelid = conrelid AND a.attnum = u.attnum),
            'references', nullif(confrelid, 0)::regclass::text, 'on_delete', confdeltype), NULL
    FROM constraints
    UNION ALL
    SELECT 'pg_class'::regclass, i.indexrelid, 0, 'index', i.indexrelid::regclass::text, r.name, format('INDEX %s', i.indexrelid::regclass),
        CASE r.relkind WHEN 'p' THEN regexp_replace(pg_catalog.pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ')
            ELSE pg_catalog.pg_get_indexdef(i.indexrelid) END || CASE WHEN i.indisvalid OR r.relkind = 'p' THEN '' ELSE ' /* invalid */' END,
        format('DROP INDEX %s', i.indexrelid::regclass), jsonb_build_object('valid', i.indisvalid, 'unique', i.indisunique), NULL
    FROM relations r JOIN pg_catalog.pg_index i ON i.indrelid = r.oid
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
    UNION ALL
    SELECT 'pg_class'::regclass, r.oid, 0, 'view', name, NULL, format('%s %s', noun, name),
        concat('CREATE ', noun, ' ', name, ' WITH (' || options || ')', ' AS', E'\n', rtrim(pg_catalog.pg_get_viewdef(r.oid), ';')),
        format('DROP %s %s', noun, name), jsonb_build_object('materialized', relkind = 'm'), NULL
    FROM relations r WHERE relkind IN ('v', 'm')
    UNION ALL
    SELECT 'pg_proc'::regclass, oid, 0, 'function', name, NULL, format('%s %s', noun, name),
        rtrim(pg_catalog.pg_get_functiondef(oid), E'\n'), format('DROP %s %s', noun, name),
        jsonb_build_object('result', pg_catalog.pg_get_function_result(oid), 'arguments', pg_catalog.pg_get_function_arguments(oid),
            'noun', lower(noun), 'security_definer', prosecdef), NULL
    FROM routines
    UNION ALL
    SELECT 'pg_trigger'::regclass, t.oid, 0, 'trigger', format('%s.%I', r.name, t.tgname), r.name, format('TRIGGER %I ON %s', t.tgname, r.name),
        pg_catalog.pg_get_triggerdef(t.oid), format('DROP TRIGGER %I ON %s', t.tgname, r.name), jsonb_build_object('trigger', t.tgname), NULL
    FROM relations r JOIN pg_catalog.pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
    UNION ALL
    SELECT 'pg_trigger'::regclass, t.oid, -1, 'trigger_state', format('%s.%I', r.name, t.tgname), r.name, NULL,
        format('ALTER TABLE %s %s TRIGGER %I', r.name, CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END, t.tgname),
        format('ALTER TABLE %s ENABLE TRIGGER %I', r.name, t.tgname), NULL, ARRAY[concat('pg_trigger'::regclass::oid, '.', t.oid, '.0')]
    FROM relations r JOIN pg_catalog.pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal AND t.tgenabled <> 'O'
    UNION ALL
    SELECT 'pg_rewrite'::regclass, w.oid, 0, 'rule', format('%s.%I', r.name, w.rulename), r.name, format('RULE %I ON %s', w.rulename, r.name),
        rtrim(pg_catalog.pg_get_ruledef(w.oid), ';'), format('DROP RULE %I ON %s', w.rulename, r.name), NULL, NULL
    FROM relations r JOIN pg_catalog.pg_rewrite w ON w.ev_class = r.oid AND w.rulename <> '_RETURN'
    UNION ALL
    SELECT 'pg_statistic_ext'::regclass, s.oid, 0, 'statistics', format('%I.%I', n.nspname, s.stxname), r.name, format('STATISTICS %I.%I', n.nspname, s.stxname),
        pg_catalog.pg_get_statisticsobjdef(s.oid), format('DROP STATISTICS %I.%I', n.nspname, s.stxname), NULL, NULL
    FROM relations r JOIN pg_catalog.pg_statistic_ext s ON s.stxrelid = r.oid JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
    UNION ALL
    SELECT 'pg_class'::regclass, r.oid, -1, 'row_security', r.name || x.suffix, r.name, NULL, format('ALTER TABLE %s %s ROW LEVEL SECURITY', r.name, x.on_word),
        format('ALTER TABLE %s %s ROW LEVEL SECURITY', r.name, x.off_word), jsonb_build_object('forced', x.suffix <> ''),
        ARRAY[concat('pg_class'::regclass::oid, '.', r.oid, '.0')]
    FROM tables r, LATERAL (VALUES (r.relrowsecurity, '', 'ENABLE', 'DISABLE'), (r.relforcerowsecurity, ' forced', 'FORCE', 'NO FORCE')) x (is_on, suffix, on_word, off_word)
    WHERE x.is_on
    UNION ALL
    SELECT 'pg_policy'::regclass, p.oid, 0, 'policy', format('%s.%I', r.name, p.polname), r.name, format('POLICY %I ON %s', p.polname, r.name),
        concat(format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', p.polname, r.name, CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
            CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END, x.roles),
            ' USING (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')', ' WITH CHECK (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')'),
        format('DROP POLICY %I ON %s', p.polname, r.name), jsonb_build_object('policy', p.polname, 'permissive', p.polpermissive, 'command', p.polcmd, 'roles', x.roles,
            'using', pg_catalog.pg_get_expr(p.polqual, p.polrelid), 'check', pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)), NULL
    FROM tables r JOIN pg_catalog.pg_policy p ON p.polrelid = r.oid, LATERAL (
        SELECT string_agg(role, ', ' ORDER BY role COLLATE "C") FROM (SELECT CASE o WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_catalog.pg_get_userbyid(o)) END
            FROM unnest(p.polroles) o) y (role)) x (roles)
    UNION ALL
    SELECT 'pg_class'::regclass, r.oid, -2, 'replica_identity', r.name, r.name, NULL, format('ALTER TABLE %s REPLICA IDENTITY %s', r.name,
            CASE r.relreplident WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING' ELSE format('USING INDEX %I', c.relname) END),
        format('ALTER TABLE %s REPLICA IDENTITY DEFAULT', r.name), NULL,
        array_remove(ARRAY[concat('pg_class'::regclass::oid, '.', r.oid, '.0'), format('%s.%s.0', 'pg_class'::regclass::oid, i.indexrelid)], format('%s..0', 'pg_class'::regclass::oid))
    FROM tables r LEFT JOIN pg_catalog.pg_index i ON i.indrelid = r.oid AND i.indisreplident LEFT JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    WHERE r.relreplident IN ('f', 'n') OR r.relreplident = 'i' AND i.indexrelid IS NOT NULL
    UNION ALL
    SELECT 'pg_class'::regclass, c.oid, -3, 'index_option', c.oid::regclass::text, k.table_name, NULL, format('ALTER INDEX %s SET (%s)', c.oid::regclass, array_to_string(c.reloptions, ', ')),
        format('ALTER INDEX %s RESET (%s)', c.oid::regclass, (SELECT string_agg(split_part(o, '=', 1), ', ') FROM unnest(c.reloptions) o)), NULL,
        ARRAY[concat('pg_constraint'::regclass::oid, '.', k.oid, '.0')]
    FROM constraints k JOIN pg_catalog.pg_class c ON c.oid = k.conindid AND k.contype IN ('p', 'u', 'x') AND c.reloptions IS NOT NULL
    UNION ALL
    SELECT 'pg_class'::regclass, attrelid, -attnum - 10, 'column_option', format('%s %s', name, x.setting), table_name, NULL,
        format('ALTER TABLE %s ALTER COLUMN %I %s', table_name, attname, x.made), format('ALTER TABLE %s ALTER COLUMN %I %s', table_name, attname, x.removed),
        NULL, ARRAY[concat('pg_class'::regclass::oid, '.', attrelid, '.', attnum)]
    FROM columns c, LATERAL (VALUES
        ('statistics', nullif(attstattarget, -1) IS NOT NULL, format('SET STATISTICS %s', attstattarget), 'SET STATISTICS -1'),
        ('storage', attstorage <> typstorage, format('SET STORAGE %s', CASE attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END),
            format('SET STORAGE %s', CASE typstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END)),
        ('compression', attcompression <> '', format('SET COMPRESSION %s', CASE attcompression WHEN 'l' THEN 'lz4' ELSE 'pglz' END), 'SET COMPRESSION default'),
        ('options', attoptions IS NOT NULL, format('SET (%s)', array_to_string(attoptions, ', ')),
            format('RESET (%s)', (SELECT string_agg(split_part(o, '=', 1), ', ') FROM unnest(attoptions) o)))) x (setting, is_set, made, removed)
    WHERE x.is_set
    UNION ALL
    SELECT x.class, x.oid, -4, 'unwritable', format('%s %s', i.type, i.identity), NULL, NULL, format('/* %s %s */', i.type, i.identity), format('DROP %s %s', i.type, i.identity), NULL, NULL
    FROM (
        SELECT 'pg_proc'::regclass, p.oid FROM pg_catalog.pg_proc p JOIN namespaces n ON n.oid = p.pronamespace WHERE p.prokind = 'a'
        UNION ALL SELECT 'pg_class'::regclass, c.oid FROM pg_catalog.pg_class c JOIN namespaces n ON n.oid = c.relnamespace
        WHERE c.relkind = 'f' OR c.relkind IN ('r', 'p') AND NOT c.relispartition AND EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid)
        UNION ALL SELECT 'pg_operator'::regclass, o.oid FROM pg_catalog.pg_operator o JOIN namespaces n ON n.oid = o.oprnamespace
        UNION ALL SELECT 'pg_collation'::regclass, o.oid FROM pg_catalog.pg_collation o JOIN namespaces n ON n.oid = o.collnamespace
        UNION ALL SELECT 'pg_ts_config'::regclass, o.oid FROM pg_catalog.pg_ts_config o JOIN namespaces n ON n.oid = o.cfgnamespace
        UNION ALL SELECT 'pg_cast'::regclass, o.oid FROM pg_catalog.pg_cast o WHERE o.oid >= 16384
        UNION ALL SELECT 'pg_event_trigger'::regclass, o.oid FROM pg_catalog.pg_event_trigger o
        UNION ALL SELECT 'pg_publication'::regclass, o.oid FROM pg_catalog.pg_publication o
    ) x (class, oid), LATERAL pg_catalog.pg_identify_object(x.class, x.oid, 0) i
    WHERE NOT EXISTS (SELECT FROM members m WHERE m.classid = x.class AND m.objid = x.oid)
), subjects (class, oid, table_name, target, owner, acl, base) AS (
    SELECT 'pg_namespace'::regclass, oid, NULL, format('SCHEMA %I', nspname), nspowner, nspacl, acldefault('n', nspowner) FROM namespaces WHERE nspname <> 'public'
    UNION ALL
    SELECT 'pg_class'::regclass, oid, CASE noun WHEN 'TABLE' THEN name END, format('%s %s', CASE noun WHEN 'SEQUENCE' THEN noun ELSE 'TABLE' END, name), relowner, relacl,
        acldefault(CASE noun WHEN 'SEQUENCE' THEN 's' ELSE 'r' END::"char", relowner) FROM relations
    UNION ALL
    SELECT 'pg_proc'::regclass, oid, NULL, format('%s %s', noun, name), proowner, proacl, acldefault('f', proowner) FROM routines
    UNION ALL
    SELECT 'pg_type'::regclass, oid, NULL, format('%s %s', noun, name), typowner, typacl, acldefault('T', typowner) FROM types
), privileges AS (
    SELECT s.class, s.oid, s.table_name, s.target, s.owner, s.base, e.grantee, e.privilege_type AS privilege, bool_or(e.is_grantable) AS grantable, true AS given
    FROM subjects s, aclexplode(s.acl) e
    WHERE NOT EXISTS (SELECT FROM aclexplode(s.base) b WHERE b.grantee = e.grantee AND b.privilege_type = e.privilege_type)
    GROUP BY s.class, s.oid, s.table_name, s.target, s.owner, s.base, e.grantee, e.privilege_type
    UNION ALL
    SELECT s.class, s.oid, s.table_name, s.target, s.owner, s.base, b.grantee, b.privilege_type, false, false
    FROM subjects s, aclexplode(s.base) b
    WHERE s.acl IS NOT NULL AND NOT EXISTS (SELECT FROM aclexplode(s.acl) e WHERE b.grantee = e.grantee AND b.privilege_type = e.privilege_type)
    UNION ALL
    SELECT 'pg_class'::regclass, r.oid, CASE r.noun WHEN 'TABLE' THEN r.name END, format('TABLE %s', r.name), r.relowner, NULL, e.grantee,
        format('%s (%s)', e.privilege_type, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname)), e.is_grantable, true
    FROM relations r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped, aclexplode(a.attacl) e
    GROUP BY r.oid, r.noun, r.name, r.relowner, e.grantee, e.privilege_type, e.is_grantable
), grants AS (
    SELECT p.*, CASE WHEN p.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_catalog.pg_get_userbyid(p.grantee)) END AS role FROM (
        SELECT class, oid, table_name, target, grantee, given, string_agg(privilege, ', ' ORDER BY privilege COLLATE "C") FILTER (WHERE grantable) AS grantable,
            CASE WHEN target ~ '^TABLE ' AND bool_and(base IS NOT NULL) AND count(*) = (SELECT count(*) FROM aclexplode(acldefault('r', owner))) THEN 'ALL'
                ELSE string_agg(privilege, ', ' ORDER BY privilege COLLATE "C") END AS privileges
        FROM privileges GROUP BY class, oid, table_name, target, owner, grantee, given) p
), owners (class, oid, table_name, target, owner) AS (
    SELECT class, oid, table_name, target, owner FROM subjects
    WHERE target !~ '^SEQUENCE ' OR NOT EXISTS (SELECT FROM sequences s WHERE s.oid = subjects.oid AND s.deptype IS NOT NULL)
)
SELECT concat(class, '.', oid, '.', sub) AS identity, kind, name, table_name, made_by, removed_by, facts, needs FROM objects
UNION ALL
SELECT NULL, CASE WHEN given THEN 'grant' ELSE 'revoke' END, format('%s %s', target, role), table_name,
    CASE WHEN given THEN format('GRANT %s ON %s TO %s', privileges, target, role) ELSE format('REVOKE %s ON %s FROM %s', privileges, target, role) END,
    CASE WHEN given THEN format('REVOKE ALL ON %s FROM %s', target, role) ELSE format('GRANT %s ON %s TO %s', privileges, target, role) END,
    jsonb_build_object('role', role, 'privileges', privileges), ARRAY[concat(class::oid, '.', oid, '.0')]
    || CASE WHEN given AND privileges LIKE '%(%' THEN (SELECT array_agg(concat('pg_class'::regclass::oid, '.', attrelid, '.', attnum)) FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = grants.oid AND a.attacl IS NOT NULL AND NOT attisdropped) END
FROM grants
UNION ALL
SELECT NULL, 'grant_option', format('%s %s', target, role), table_name, format('GRANT %s ON %s TO %s WITH GRANT OPTION', grantable, target, role),
    format('REVOKE GRANT OPTION FOR %s ON %s FROM %s', grantable, target, role), NULL, ARRAY[concat(class::oid, '.', oid, '.0')]
FROM grants WHERE grantable IS NOT NULL
UNION ALL
SELECT NULL, 'owner', o.target, o.table_name, format('ALTER %s OWNER TO %I', o.target, pg_catalog.pg_get_userbyid(o.owner)),
    format('ALTER %s OWNER TO %I', o.target, pg_catalog.pg_get_userbyid(d.owner)), NULL, ARRAY[concat(o.class::oid, '.', o.oid, '.0')]
FROM owners o, database d WHERE o.owner <> d.owner
UNION ALL
SELECT NULL, 'comment', o.target, o.table_name, format('COMMENT ON %s IS %L', o.target, d.description), format('COMMENT ON %s IS NULL', o.target),
    jsonb_build_object('text', d.description), ARRAY[concat(o.class, '.', o.oid, '.', o.sub)]
FROM pg_catalog.pg_description d JOIN objects o ON o.class = d.classoid AND o.oid = d.objoid AND o.sub = d.objsubid WHERE o.target IS NOT NULL
UNION ALL
SELECT NULL, 'comment', format('COLUMN %s.%I', r.name, a.attname), NULL, format('COMMENT ON COLUMN %s.%I IS %L', r.name, a.attname, d.description),
    format('COMMENT ON COLUMN %s.%I IS NULL', r.name, a.attname), jsonb_build_object('text', d.description), ARRAY[concat('pg_class'::regclass::oid, '.', r.oid, '.0')]
FROM relations r JOIN pg_catalog.pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = r.oid AND d.objsubid > 0
JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum = d.objsubid WHERE r.relkind IN ('v', 'm')
UNION ALL
SELECT NULL, 'default_privilege', format('%I %s %s %s', pg_catalog.pg_get_userbyid(p.defaclrole), coalesce(quote_ident(n.nspname), '*'), x.noun, x.role), NULL,
    format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s GRANT %s ON %s TO %s', pg_catalog.pg_get_userbyid(p.defaclrole), ' IN SCHEMA ' || quote_ident(n.nspname), x.privileges, x.noun, x.role),
    format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s REVOKE %s ON %s FROM %s', pg_catalog.pg_get_userbyid(p.defaclrole), ' IN SCHEMA ' || quote_ident(n.nspname), x.privileges, x.noun, x.role),
    NULL, ARRAY[concat('pg_namespace'::regclass::oid, '.', n.oid, '.0')]
FROM pg_catalog.pg_default_acl p LEFT JOIN namespaces n ON n.oid = p.defaclnamespace, LATERAL (
    SELECT CASE p.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' ELSE 'SCHEMAS' END,
        CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_catalog.pg_get_userbyid(e.grantee)) END, string_agg(e.privilege_type, ', ' ORDER BY e.privilege_type COLLATE "C")
    FROM aclexplode(p.defaclacl) e WHERE e.grantee <> p.defaclrole GROUP BY e.grantee) x (noun, role, privileges)
WHERE p.defaclnamespace = 0 OR n.oid IS NOT NULL

-- name: list_dependencies
-- Which object cannot be made before which, by identity; what only belongs to an object stands for that object.
WITH stand_ins (class, oid, other_class, other_oid, other_sub) AS (
    SELECT 'pg_attrdef'::regclass::oid, d.oid, 'pg_class'::regclass::oid, adrelid, adnum::int FROM pg_catalog.pg_attrdef d
    JOIN pg_catalog.pg_attribute a ON a.attrelid = adrelid AND a.attnum = adnum WHERE a.attgenerated <> ''
    UNION ALL
    SELECT 'pg_rewrite'::regclass, oid, 'pg_class'::regclass, ev_class, 0 FROM pg_catalog.pg_rewrite WHERE rulename = '_RETURN' AND oid >= 16384
    UNION ALL
    SELECT 'pg_type'::regclass, oid, 'pg_class'::regclass, typrelid, 0 FROM pg_catalog.pg_type t WHERE typrelid >= 16384
        AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = typrelid AND c.relkind <> 'c')
    UNION ALL
    SELECT 'pg_class'::regclass, typrelid, 'pg_type'::regclass, t.oid, 0 FROM pg_catalog.pg_type t JOIN pg_catalog.pg_class c ON c.oid = typrelid AND c.relkind = 'c'
    UNION ALL
    SELECT 'pg_type'::regclass, a.oid, CASE WHEN e.typrelid <> 0 AND c.relkind <> 'c' THEN 'pg_class'::regclass ELSE 'pg_type'::regclass END,
        CASE WHEN e.typrelid <> 0 AND c.relkind <> 'c' THEN e.typrelid ELSE e.oid END, 0
    FROM pg_catalog.pg_type e JOIN pg_catalog.pg_type a ON a.oid = e.typarray LEFT JOIN pg_catalog.pg_class c ON c.oid = e.typrelid WHERE e.oid >= 16384
    UNION ALL
    SELECT 'pg_class'::regclass, conindid, 'pg_constraint'::regclass, oid, 0 FROM pg_catalog.pg_constraint WHERE contype IN ('p', 'u', 'x') AND oid >= 16384
    UNION ALL
    SELECT classid, objid, refclassid, refobjid, refobjsubid FROM pg_catalog.pg_depend
    WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND deptype = 'i' AND refobjsubid > 0
)
SELECT concat_ws('.', coalesce(a.other_class, d.classid), coalesce(a.other_oid, d.objid), coalesce(a.other_sub, d.objsubid)),
    concat_ws('.', coalesce(b.other_class, d.refclassid), coalesce(b.other_oid, d.refobjid), coalesce(b.other_sub, d.refobjsubid))
FROM pg_catalog.pg_depend d
LEFT JOIN stand_ins a ON a.class = d.classid AND a.oid = d.objid
LEFT JOIN stand_ins b ON b.class = d.refclassid AND b.oid = d.refobjid
WHERE d.objid >= 16384 AND d.refobjid >= 16384 AND d.deptype IN ('n', 'a', 'i')
    AND NOT (d.deptype = 'a' AND d.classid = 'pg_class'::regclass AND d.refobjsubid > 0
        AND EXISTS (SELECT FROM pg_catalog.pg_sequence s WHERE s.seqrelid = d.objid))

-- name: list_invalid_indexes
SELECT i.indexrelid::regclass::text FROM pg_catalog.pg_index i WHERE NOT i.indisvalid
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = i.indexrelid AND c.relkind = 'I') ORDER BY 1

-- name: list_unvalidated_constraints
SELECT format('%s.%I', conrelid::regclass, conname) FROM pg_catalog.pg_constraint
WHERE NOT convalidated AND conrelid <> 0 AND connamespace <> 'pg_catalog'::regnamespace ORDER BY 1
