"""Freehold beside other systems at the same work on one machine: `python -m bench.peers`.

Each system does the same five works for the same people: W1 a page of 25 members behind a role, W2 the gate alone, W3 a
log-in, W4 an invitation, W5 a sign-up. What counts is the ratio to the floor (P0: plain WSGI and raw SQL) by CPU and by
requests per second of alternating runs, and the number of SQL statements.
"""
