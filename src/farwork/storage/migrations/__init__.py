"""The revisions of the schema. Alembic finds them by this package; `schema.migrate` runs them."""
