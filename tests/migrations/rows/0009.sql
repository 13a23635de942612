-- Limits, who granted what, ownership, farewells; and the audit log, with the chain of an organization that is gone.
INSERT INTO rate_limits (key, tat) VALUES ('\x01', '2026-03-01'), ('\x02', '2100-01-01');
UPDATE invitations SET asked_at = '2026-02-04' WHERE email_key = 'guest1@example.org';
UPDATE organization_members SET granted_by = '00000000-0000-7000-8000-000000000001', granted_at = '2026-02-05' WHERE role = 'ADMIN';
UPDATE organizations SET updated_by = '00000000-0000-7000-8000-000000000001' WHERE slug = 'northfield';
UPDATE projects SET updated_by = '00000000-0000-7000-8000-000000000002' WHERE name = 'Billing pipeline';
INSERT INTO ownership_offers (organization_id, nominee_id, offered_by, former_role, accepted_at, declined_at, cancelled_at)
SELECT '00000000-0000-7000-8000-000000000011', '00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000001',
  role::role, accepted, declined, cancelled
FROM (VALUES ('ADMIN', NULL::timestamptz, NULL::timestamptz, NULL::timestamptz), ('VIEWER', '2026-02-06', NULL, NULL),
  ('OPERATOR', NULL, '2026-02-07', NULL), ('OWNER', NULL, NULL, '2026-02-08')) o (role, accepted, declined, cancelled);
INSERT INTO farewells (email) VALUES ('gone@example.org');
INSERT INTO outgoing_mail (message, subject_id, organization_id)
VALUES ('invitation', '00000000-0000-7000-8000-000000000032', '00000000-0000-7000-8000-000000000011');

SELECT record_audit(jsonb_build_array(
  jsonb_build_object('action', 'organization.created', 'organization_id', '00000000-0000-7000-8000-000000000011',
    'actor_id', '00000000-0000-7000-8000-000000000001', 'ip', '192.0.2.1', 'request_id', 'r1', 'after', '{"name": "Northfield"}'::jsonb),
  jsonb_build_object('action', 'member.role_changed', 'organization_id', '00000000-0000-7000-8000-000000000011',
    'actor_id', '00000000-0000-7000-8000-000000000001', 'subject_id', '00000000-0000-7000-8000-000000000002',
    'before', '{"role": "VIEWER"}'::jsonb, 'after', '{"role": "ADMIN", "number": 1.5, "none": null, "ü": true}'::jsonb),
  jsonb_build_object('action', 'project.created', 'organization_id', '00000000-0000-7000-8000-000000000011',
    'project_id', '00000000-0000-7000-8000-000000000021'),
  jsonb_build_object('action', 'session.began', 'user_id', '00000000-0000-7000-8000-000000000001'),
  jsonb_build_object('action', 'organization.created', 'organization_id', '00000000-0000-7000-8000-000000000019')));
INSERT INTO refusal_counts VALUES ('2026-02-09', 'stranger', 3), ('2026-02-09', 'log-in', 1);
