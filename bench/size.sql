-- A database of some size: an organization of many, whose Owner is person 1; a person in many organizations, the same.
-- Triggers rest, so nothing is audited and no page is told; the settings `size.…` say how much of each there shall be.
SET session_replication_role = replica;
CREATE FUNCTION pg_temp.size(what text) RETURNS int LANGUAGE sql STABLE AS $$ SELECT current_setting('size.' || what)::int $$;
CREATE FUNCTION pg_temp.key(kind int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
  $$ SELECT ('0190' || lpad(to_hex(kind), 4, '0') || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;

-- As people are called: a first name that one of forty has, and one of four hundred surnames.
CREATE FUNCTION pg_temp.name(n int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT (ARRAY['Aiko', 'Amara', 'Ana', 'Ben', 'Chidi', 'Cleo', 'Diego', 'Elif', 'Emeka', 'Fatou', 'Femi', 'Freya', 'Gita',
                'Hana', 'Hugo', 'Ines', 'Ivan', 'Jonas', 'Kofi', 'Lena', 'Lucia', 'Mads', 'Maya', 'Milo', 'Nadia', 'Noor',
                'Olga', 'Omar', 'Paula', 'Pavel', 'Priya', 'Rosa', 'Samir', 'Sven', 'Tariq', 'Tomas', 'Uma', 'Vera', 'Wei',
                'Zoe'])[1 + n % 40]
         || ' ' || (ARRAY['Al', 'Bar', 'Cor', 'Dob', 'Ek', 'Fer', 'Gar', 'Hol', 'Ing', 'Jan', 'Kow', 'Lind', 'Mor', 'Nak',
                          'Oka', 'Pet', 'Ros', 'Sil', 'Tan', 'Vas'])[1 + n / 40 % 20]
         || (ARRAY['ada', 'berg', 'carro', 'dal', 'esen', 'for', 'gado', 'hara', 'ic', 'kova', 'lund', 'mann', 'nez', 'ova',
                   'quist', 'rini', 'sson', 'tola', 'vik', 'yama'])[1 + n / 800 % 20] $$;
INSERT INTO users (id, email, email_key, name, password_hash, email_verified_at, second_factor_at)
  SELECT pg_temp.key(1, n), 'person' || n || '@example.org', 'person' || n || '@example.org', pg_temp.name(n), 'x', now(),
         CASE WHEN n % 3 = 0 THEN now() END
  FROM generate_series(1, pg_temp.size('users')) n;

INSERT INTO organizations (id, slug, name) VALUES (pg_temp.key(2, 0), 'northfield', 'Northfield');
INSERT INTO organizations (id, slug, name)
  SELECT pg_temp.key(2, n), 'org-' || n, 'Organization ' || n FROM generate_series(1, pg_temp.size('organizations')) n;
-- Everybody else: each account in an organization of ten, with a project and an invitation.
INSERT INTO organizations (id, slug, name)
  SELECT pg_temp.key(4, n), 'other-' || n, 'Other ' || n FROM generate_series(1, pg_temp.size('users') / 10) n;
INSERT INTO organization_members (organization_id, user_id, role)
  SELECT pg_temp.key(4, 1 + n % (pg_temp.size('users') / 10)), pg_temp.key(1, n), 'VIEWER'
  FROM generate_series(2, pg_temp.size('users')) n;
INSERT INTO projects (id, organization_id, name)
  SELECT pg_temp.key(5, n), pg_temp.key(4, n), 'Project ' || n FROM generate_series(1, pg_temp.size('users') / 10) n;
INSERT INTO project_members (organization_id, project_id, user_id, role)
  SELECT pg_temp.key(4, 1 + n % (pg_temp.size('users') / 10)), pg_temp.key(5, 1 + n % (pg_temp.size('users') / 10)),
         pg_temp.key(1, n), 'OPERATOR'
  FROM generate_series(2, pg_temp.size('users') / 10) n;
INSERT INTO invitations (organization_id, email, email_key, role, nonce, invited_by, expires_at)
  SELECT pg_temp.key(4, n), 'other' || n || '@example.org', 'other' || n || '@example.org', 'VIEWER', sha256(n::text::bytea),
         pg_temp.key(1, 1), now() + interval '3 days'
  FROM generate_series(1, pg_temp.size('users') / 10) n;

INSERT INTO organization_slugs (slug, organization_id) SELECT slug, id FROM organizations;
INSERT INTO organization_members (organization_id, user_id, role, created_at)
  SELECT pg_temp.key(2, 0), pg_temp.key(1, n),
         (CASE WHEN n = 1 THEN 'OWNER' WHEN n % 100 = 0 THEN 'ADMIN' WHEN n % 5 = 0 THEN 'OPERATOR' ELSE 'VIEWER' END)::role,
         now() - n * interval '1 minute'
  FROM generate_series(1, pg_temp.size('members')) n;
INSERT INTO organization_members (organization_id, user_id, role)
  SELECT pg_temp.key(2, n), pg_temp.key(1, 1), 'VIEWER' FROM generate_series(1, pg_temp.size('organizations')) n;
INSERT INTO invitations (organization_id, email, email_key, role, nonce, invited_by, expires_at)
  SELECT pg_temp.key(2, 0), 'new' || n || '@example.org', 'new' || n || '@example.org', 'VIEWER', sha256(n::text::bytea),
         pg_temp.key(1, 1), now() + interval '3 days'
  FROM generate_series(1, greatest(60, pg_temp.size('members') / 100)) n;

INSERT INTO projects (id, organization_id, name)
  SELECT pg_temp.key(3, n), pg_temp.key(2, 0), 'Project ' || n FROM generate_series(1, pg_temp.size('projects')) n;
INSERT INTO project_members (organization_id, project_id, user_id, role)
  SELECT DISTINCT ON (p, u) pg_temp.key(2, 0), pg_temp.key(3, p), pg_temp.key(1, u), 'OPERATOR'::role
  FROM (SELECT 1 + n % pg_temp.size('projects') AS p, 2 + (n * 7) % (pg_temp.size('members') - 2) AS u
        FROM generate_series(1, pg_temp.size('members')) n) t;

-- Twice as many as are here were here once.
INSERT INTO known_people (organization_id, user_id, search_text)
  SELECT pg_temp.key(2, 0), id, search_text
  FROM users JOIN generate_series(1, least(pg_temp.size('users'), 3 * pg_temp.size('members'))) n ON id = pg_temp.key(1, n);

-- The chain's hashes are none; its pages do not look at them, and `flask audit verify` is not what is measured.
CREATE TEMP TABLE kept AS SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS made FROM pg_index
  WHERE indrelid = 'audit_events'::regclass AND NOT indisunique;
DO $$ DECLARE i record; BEGIN FOR i IN SELECT * FROM kept LOOP EXECUTE 'DROP INDEX ' || i.name; END LOOP; END $$;
INSERT INTO audit_events (chain, seq, organization_id, actor_id, action, subject_id, project_id, created_at, ip, prev, hash)
  SELECT pg_temp.key(2, 0), n, pg_temp.key(2, 0), pg_temp.key(1, 1 + n % 1000),
         (ARRAY['member.role_changed', 'invitation.sent', 'project.role_set', 'member.removed', 'session.started'])[1 + (n / 7) % 5],
         pg_temp.key(1, 1 + n % pg_temp.size('members')),
         CASE WHEN (n / 7) % 5 = 2 THEN pg_temp.key(3, 1 + n % pg_temp.size('projects')) END,
         timestamptz '2026-01-01' + n * (interval '320 days' / pg_temp.size('events')), '192.0.2.1', '\x00', '\x00'
  FROM generate_series(1, pg_temp.size('events')) n;
INSERT INTO audit_heads (chain, seq, hash) VALUES (pg_temp.key(2, 0), pg_temp.size('events'), '\x00');
DO $$ DECLARE i record; BEGIN FOR i IN SELECT * FROM kept LOOP EXECUTE i.made; END LOOP; END $$;

INSERT INTO sessions (sid, sess, user_id, credential_epoch, expire)
  VALUES (current_setting('size.sid'), '{"_user_id": "person 1"}', pg_temp.key(1, 1), 1, now() + interval '1 day');
