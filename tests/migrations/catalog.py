"""What a schema is, to compare two."""

import psycopg


def catalog(url):
    """Everything of ours that is in a database, by name and definition."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        return connection.execute("""
            SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
            FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
            UNION ALL SELECT table_name, column_name, concat(column_default, generation_expression), true
            FROM information_schema.columns WHERE table_schema = 'public'
            UNION ALL SELECT indexname, tablename, indexdef, true FROM pg_indexes WHERE schemaname = 'public'
            UNION ALL SELECT viewname, viewowner, definition, true FROM pg_views WHERE schemaname = 'public'
            UNION ALL SELECT conname, conrelid::regclass::text, pg_get_constraintdef(oid), convalidated
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace
            UNION ALL SELECT tgname, tgrelid::regclass::text, pg_get_triggerdef(oid), true
            FROM pg_trigger WHERE NOT tgisinternal
            UNION ALL SELECT policyname, tablename, concat(roles, cmd, qual, with_check), true FROM pg_policies
            UNION ALL SELECT proname, proacl::text, pg_get_functiondef(p.oid), true
            FROM pg_proc p JOIN pg_language l ON l.oid = prolang AND lanname IN ('sql', 'plpgsql')
            WHERE pronamespace = 'public'::regnamespace
            UNION ALL SELECT table_name, grantee, string_agg(privilege_type, ',' ORDER BY privilege_type), true
            FROM information_schema.table_privileges WHERE table_schema = 'public' GROUP BY 1, 2
            ORDER BY 1, 2, 3
        """).fetchall()
