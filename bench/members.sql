-- So many accounts, each a member: a tenth of them of one organization, all others of one of ten people.
-- Triggers rest, so nothing is audited and no page is told; it fits every schema from 0003 to 0023.
SET session_replication_role = replica;
CREATE FUNCTION pg_temp.members() RETURNS int LANGUAGE sql STABLE AS $$ SELECT current_setting('bench.members')::int $$;
CREATE FUNCTION pg_temp.key(kind int, n int) RETURNS uuid LANGUAGE sql IMMUTABLE AS
  $$ SELECT ('0190' || lpad(to_hex(kind), 4, '0') || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;

-- One index takes longer than all the rest, unless it is made at once.
DROP INDEX ix_users_search_text;
INSERT INTO users (id, email, email_key, name, password_hash, email_verified_at)
  SELECT pg_temp.key(1, n), 'person' || n || '@example.org', 'person' || n || '@example.org',
         'Person ' || md5(n::text), 'x', now()
  FROM generate_series(1, pg_temp.members()) n;
INSERT INTO organizations (id, slug, name)
  SELECT pg_temp.key(2, n), 'other-' || n, 'Other ' || n FROM generate_series(0, pg_temp.members() / 10) n;
INSERT INTO organization_slugs (slug, organization_id)
  SELECT slug, id FROM organizations WHERE slug LIKE 'other-%';
INSERT INTO organization_members (organization_id, user_id, role)
  SELECT pg_temp.key(2, CASE WHEN n % 10 = 0 THEN 0 ELSE 1 + n / 10 END), pg_temp.key(1, n),
         (CASE WHEN n % 10 = 1 OR n = 10 THEN 'OWNER' WHEN n % 10 = 5 THEN 'ADMIN' ELSE 'VIEWER' END)::role
  FROM generate_series(1, pg_temp.members()) n;
CREATE INDEX ix_users_search_text ON users USING gin (search_text gin_trgm_ops);
