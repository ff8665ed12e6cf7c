"""What all tests share: a PostgreSQL server per run, programs of the system, and how skips are counted."""
