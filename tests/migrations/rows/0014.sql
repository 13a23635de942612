-- Forms that were taken once, and made something or nothing.
INSERT INTO idempotency_keys (key, leads_to, made)
VALUES ('\x01', '/orgs/northfield', '00000000-0000-7000-8000-000000000021'), ('\x02', '/account', NULL);
SELECT record_audit(jsonb_build_array(
  jsonb_build_object('action', 'session.began', 'user_id', '00000000-0000-7000-8000-000000000001', 'ip', '2001:db8::1')));
