-- psql variable: hash. Keys are made from the seed's numbers; triggers (audit, live pages) rest meanwhile. What they
-- keep follows from bench/kept.sql.
SET session_replication_role = replica;
CREATE FUNCTION pg_temp.key(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
  $$ SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
INSERT INTO users (id, email, email_key, name, password_hash, email_verified_at)
  SELECT pg_temp.key(id), email, email, name, :'hash', now() FROM seed.users;
INSERT INTO organizations (id, slug, name) SELECT pg_temp.key(id), slug, name FROM seed.orgs;
INSERT INTO organization_slugs (slug, organization_id) SELECT slug, pg_temp.key(id) FROM seed.orgs;
INSERT INTO organization_members (id, organization_id, user_id, role)
  SELECT pg_temp.key(id), pg_temp.key(org_id), pg_temp.key(user_id), upper(role)::role FROM seed.members;
INSERT INTO projects (id, organization_id, name) SELECT pg_temp.key(id), pg_temp.key(org_id), name FROM seed.projects;
INSERT INTO sessions (sid, sess, expire, user_id, credential_epoch)
  SELECT md5('filler' || id) || md5('filler2' || id), '{}', now() + interval '7 days', pg_temp.key(id), 1 FROM seed.users;
