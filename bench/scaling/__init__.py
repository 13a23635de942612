"""Two servers as one: `python -m bench.scaling`, which wants Debian's haproxy, pgbouncer and wrk.

Two production servers behind HAProxy and PgBouncer, by the files of hosting/, on a throwaway database. It checks that
nothing that matters is in one server's memory, loses servers under load, and measures what PgBouncer costs. By hand:
docs/scaling.md.
"""
