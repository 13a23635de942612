-- Amara, Sven, Kofi and Hana are Northfield, Lena is its guest; Ines was deactivated, Tom proved no address.
INSERT INTO users (id, email, email_key, name, password_hash, credential_epoch, email_verified_at, deactivated_at, version)
SELECT ('00000000-0000-7000-8000-00000000000' || n)::uuid, email, lower(email), name,
  '$argon2id$v=19$m=8,t=1,p=1$g/mLv0OF1hxajOXjr8OZgA$pcOK/b6Q2mPKUGVq2GsDjp1qJqMM+ih8pL0PfkNWv4s',
  n, proven, deactivated, n
FROM (VALUES
  (1, 'Amara.Okafor@example.org', 'Amara Okafor', timestamptz '2026-01-01', NULL::timestamptz),
  (2, 'sven.weber@example.org', 'Sven Weber', '2026-01-02', NULL),
  (3, 'kofi.mensah@example.org', 'Kofi Mensah', '2026-01-03', NULL),
  (4, 'hana.reyes@example.org', 'Hána Reyés', '2026-01-04', NULL),
  (5, 'lena.novak@example.org', 'Lena Novak', '2026-01-05', NULL),
  (6, 'ines.costa@example.org', 'Inês Costa', '2026-01-06', '2026-02-01'),
  (7, 'tom@example.org', repeat('T', 100), NULL, NULL)) people (n, email, name, proven, deactivated);

INSERT INTO sessions (sid, sess, expire, user_id, credential_epoch, ip, user_agent)
SELECT 'a session''s id ' || n, '{"_user_id": "somebody"}', '2100-01-01', id, n, ip, agent
FROM (VALUES (1, inet '192.0.2.1', 'Mozilla/5.0'), (2, '2001:db8::/64', NULL), (3, NULL, '')) s (n, ip, agent)
JOIN users ON version = n;
INSERT INTO signups (email, email_key, name, password_hash, nonce, expires_at)
VALUES ('New@example.org', 'new@example.org', 'New', 'x', '\x01', '2026-01-10'),
  ('late@example.org', 'late@example.org', 'Late', 'x', '\x02', '2100-01-01');
INSERT INTO one_time_tokens (user_id, purpose, nonce, expires_at, used_at)
VALUES ('00000000-0000-7000-8000-000000000001', 'reset', '\x03', '2100-01-01', NULL), (NULL, 'reset', '\x04', '2026-01-10', '2026-01-09');

-- One moved from another address, one was deleted; each keeps an Owner.
INSERT INTO organizations (id, name, slug, deleted_at) VALUES
  ('00000000-0000-7000-8000-000000000011', 'Northfield', 'north-field', NULL),
  ('00000000-0000-7000-8000-000000000012', 'Harbour Labs', 'harbour-labs', NULL),
  ('00000000-0000-7000-8000-000000000013', 'Sunk', 'sunk', '2026-03-01');
UPDATE organizations SET slug = 'northfield', version = 2 WHERE slug = 'north-field';
INSERT INTO organization_members (organization_id, user_id, role, version)
SELECT ('00000000-0000-7000-8000-00000000001' || o)::uuid, ('00000000-0000-7000-8000-00000000000' || u)::uuid, role::role, u
FROM (VALUES (1, 1, 'OWNER'), (1, 2, 'ADMIN'), (1, 3, 'OPERATOR'), (1, 4, 'VIEWER'), (1, 6, 'VIEWER'),
  (2, 5, 'OWNER'), (2, 6, 'OWNER'), (3, 7, 'OWNER')) m (o, u, role);

INSERT INTO projects (id, organization_id, name, description, access, archived_at) VALUES
  ('00000000-0000-7000-8000-000000000021', '00000000-0000-7000-8000-000000000011', 'Billing pipeline', 'Invoices', 'organization', NULL),
  ('00000000-0000-7000-8000-000000000022', '00000000-0000-7000-8000-000000000011', 'Payroll', '', 'restricted', NULL),
  ('00000000-0000-7000-8000-000000000023', '00000000-0000-7000-8000-000000000012', 'Payroll', '', 'restricted', '2026-02-01');
-- A role of one's own, a guest's, one that nobody granted any more, and one that follows the organization.
INSERT INTO project_members (project_id, organization_id, user_id, role, granted_by)
SELECT ('00000000-0000-7000-8000-00000000002' || p)::uuid, '00000000-0000-7000-8000-000000000011',
  ('00000000-0000-7000-8000-00000000000' || u)::uuid, role::role, granted_by
FROM (VALUES (1, 4, 'ADMIN', uuid '00000000-0000-7000-8000-000000000001'), (2, 5, 'OPERATOR', '00000000-0000-7000-8000-000000000002'),
  (2, 3, 'VIEWER', NULL), (2, 4, NULL, '00000000-0000-7000-8000-000000000001')) m (p, u, role, granted_by);

-- Each end, and two that wait: into the organization, and into a project.
INSERT INTO invitations (id, organization_id, project_id, email, email_key, role, message, nonce, invited_by, expires_at,
  accepted_at, accepted_by, revoked_at, declined_at, replaced_at)
SELECT ('00000000-0000-7000-8000-00000000003' || n)::uuid, '00000000-0000-7000-8000-000000000011', project,
  'Guest' || n || '@example.org', 'guest' || n || '@example.org', role::role, message, sha256(n::text::bytea),
  '00000000-0000-7000-8000-000000000001', '2100-01-01',
  CASE ending WHEN 'accepted' THEN at END, CASE ending WHEN 'accepted' THEN uuid '00000000-0000-7000-8000-000000000004' END,
  CASE ending WHEN 'revoked' THEN at END, CASE ending WHEN 'declined' THEN at END, CASE ending WHEN 'replaced' THEN at END
FROM (VALUES (1, NULL::uuid, 'ADMIN', '', NULL), (2, '00000000-0000-7000-8000-000000000021', 'OPERATOR', 'Welcome!', NULL),
  (3, NULL, 'VIEWER', repeat('m', 500), 'accepted'), (4, NULL, 'VIEWER', '', 'revoked'), (5, NULL, 'VIEWER', '', 'declined'),
  (6, NULL, 'VIEWER', '', 'replaced')) i (n, project, role, message, ending), (VALUES (timestamptz '2026-02-02')) t (at);

INSERT INTO outgoing_mail (message, subject_id, state, attempts, sent_at, last_error) VALUES
  ('invitation', '00000000-0000-7000-8000-000000000031', 'queued', 0, NULL, NULL),
  ('invitation', '00000000-0000-7000-8000-000000000032', 'sent', 1, '2026-02-03', NULL),
  ('invitation', '00000000-0000-7000-8000-000000000034', 'dropped', 0, NULL, NULL),
  ('password_changed', '00000000-0000-7000-8000-000000000001', 'failed', 5, NULL, '550 no such mailbox');
