-- The same people, organizations, memberships and projects for every peer.
-- psql variables: U users, O organizations.
-- Org 1 has U/10 members. Orgs 2..201 have 25 each (the measured ones): as many as the pages show.
-- The others have 3..14. About 10 on average.
DROP SCHEMA IF EXISTS seed CASCADE;
CREATE SCHEMA seed;
CREATE UNLOGGED TABLE seed.users AS
  SELECT i AS id, 'user' || i || '@example.com' AS email, 'User Number ' || i AS name
  FROM generate_series(1, :U) i;
CREATE UNLOGGED TABLE seed.orgs AS
  SELECT i AS id, 'org-' || i AS slug, 'Organization & Sons ' || i AS name
  FROM generate_series(1, :O) i;
CREATE UNLOGGED TABLE seed.members AS
  SELECT row_number() OVER (ORDER BY org_id, j)::int AS id, org_id, user_id,
    CASE WHEN j = 1 THEN 'owner' WHEN j = 2 THEN 'admin'
         WHEN j % 3 = 0 THEN 'operator' ELSE 'viewer' END AS role
  FROM (
    SELECT 1 AS org_id, j, j AS user_id FROM generate_series(1, :U / 10) j
    UNION ALL
    SELECT o, j, :U / 10 + (o - 2) * 25 + j FROM generate_series(2, 201) o, generate_series(1, 25) j
    UNION ALL
    SELECT o, j, ((o::bigint * 7919 + j::bigint * 104729) % :U + 1)::int
    FROM generate_series(202, :O) o, LATERAL generate_series(1, 3 + o % 12) j
  ) t;
CREATE UNLOGGED TABLE seed.projects AS
  SELECT (o - 1) * 5 + k AS id, o AS org_id, 'Project ' || k AS name
  FROM generate_series(1, :O) o, generate_series(1, 5) k;
ANALYZE seed.users; ANALYZE seed.orgs; ANALYZE seed.members;
