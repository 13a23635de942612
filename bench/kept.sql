-- What triggers keep, for rows that were filled in while they rested: the directory, its numbers, and whom each
-- organization knows.
SET session_replication_role = replica;
INSERT INTO directory (organization_id, user_id, role, joined_at, search_text, two_step)
  SELECT m.organization_id, m.user_id, m.role, m.created_at, u.search_text, u.second_factor_at IS NOT NULL
  FROM organization_members m JOIN users u ON u.id = m.user_id;
INSERT INTO member_counts SELECT organization_id, role, count(*) FROM organization_members GROUP BY organization_id, role;
INSERT INTO known_people (organization_id, user_id, search_text)
  SELECT k.organization_id, k.user_id, u.search_text
  FROM (SELECT organization_id, user_id FROM organization_members
        UNION SELECT organization_id, user_id FROM project_members) k
  JOIN users u ON u.id = k.user_id
  ON CONFLICT DO NOTHING;
