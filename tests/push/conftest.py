from tests.flow.conftest import database, db, one_database

__all__ = ["database", "db", "one_database"]
