"""Ground: PostgreSQL. Pool and transactions, the SQL loader, migrations, the event log, background jobs, the bus."""
