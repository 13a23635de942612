-- Passkeys, a sign-up that was confirmed, changes of address at each end, and an organization that asks for a second step.
INSERT INTO passkeys (user_id, credential_id, public_key, sign_count, name, last_used_at) VALUES
  ('00000000-0000-7000-8000-000000000001', '\x01', '\x02', 4, 'Laptop', '2026-04-01'),
  ('00000000-0000-7000-8000-000000000001', '\x03', '\x04', 0, 'Phone', NULL);
UPDATE signups SET tries = 2, confirmed_at = '2026-04-02' WHERE email_key = 'late@example.org';
INSERT INTO email_changes (user_id, email, email_key, former_email, former_email_key, nonce, expires_at, confirmed_at, ended_at)
SELECT '00000000-0000-7000-8000-000000000002', 'Sven@example.com', 'sven@example.com', 'sven.weber@example.org',
  'sven.weber@example.org', '\x01', '2026-04-10', confirmed, ended
FROM (VALUES (NULL::timestamptz, NULL::timestamptz), ('2026-04-03', NULL), (NULL, '2026-04-04'), ('2026-04-05', '2026-04-06'))
  c (confirmed, ended);
UPDATE organizations SET second_factor_required_at = '2026-04-07' WHERE slug = 'harbour-labs';
