-- psql variable: hash. Keys are made from the seed's numbers; triggers (audit, live pages) rest meanwhile.
SET session_replication_role = replica;
CREATE FUNCTION pg_temp.key(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
  $$ SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
INSERT INTO users (id, email, email_key, name, password_hash, email_verified_at)
  SELECT pg_temp.key(id), email, email, name, :'hash', now() FROM seed.users;
INSERT INTO organizations (id, slug, name) SELECT pg_temp.key(id), slug, name FROM seed.orgs;
INSERT INTO organization_slugs (slug, organization_id) SELECT slug, pg_temp.key(id) FROM seed.orgs;
INSERT INTO organization_members (id, organization_id, user_id, role)
  SELECT pg_temp.key(id), pg_temp.key(org_id), pg_temp.key(user_id), upper(role)::role FROM seed.members;
-- What the triggers would have kept: the directory, its numbers, and whom each organization knows.
INSERT INTO directory (organization_id, user_id, role, joined_at, search_text, two_step)
  SELECT m.organization_id, m.user_id, m.role, m.created_at, u.search_text, false
  FROM organization_members m JOIN users u ON u.id = m.user_id;
INSERT INTO member_counts SELECT organization_id, role, count(*) FROM organization_members GROUP BY organization_id, role;
INSERT INTO known_people SELECT organization_id, user_id, search_text FROM directory;
INSERT INTO projects (id, organization_id, name) SELECT pg_temp.key(id), pg_temp.key(org_id), name FROM seed.projects;
INSERT INTO sessions (sid, sess, expire, user_id, credential_epoch)
  SELECT md5('filler' || id) || md5('filler2' || id), '{}', now() + interval '7 days', pg_temp.key(id), 1 FROM seed.users;
