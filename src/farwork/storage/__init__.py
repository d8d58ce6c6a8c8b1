"""Where tasks are kept: one set of statements for SQLite and PostgreSQL."""
