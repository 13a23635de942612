-- Browsers that are known, Kofi's second factor, and an invitation that can be restored.
INSERT INTO known_browsers (user_id, mac, credential_epoch, expires_at, remembered_until, ip, user_agent) VALUES
  ('00000000-0000-7000-8000-000000000001', '\x01', 1, '2100-01-01', '2100-01-01', '192.0.2.1', 'Mozilla/5.0'),
  ('00000000-0000-7000-8000-000000000001', '\x02', 1, '2026-03-01', NULL, NULL, NULL);
INSERT INTO second_factors (user_id, secret, last_step, recovery, recovery_used, recovery_shown_until) VALUES
  ('00000000-0000-7000-8000-000000000003', '\x01', 7, '\x02', 1, NULL),
  ('00000000-0000-7000-8000-000000000004', '\x03', 0, '\x04', 0, '2026-03-02');
UPDATE users SET second_factor_at = '2026-03-01' WHERE id = '00000000-0000-7000-8000-000000000003';
INSERT INTO invitations (organization_id, email, email_key, role, nonce, invited_by, expires_at, revoked_at, restorable_until)
VALUES ('00000000-0000-7000-8000-000000000011', 'back@example.org', 'back@example.org', 'VIEWER', '\x01',
  '00000000-0000-7000-8000-000000000001', '2100-01-01', '2026-03-03', '2100-01-01');
