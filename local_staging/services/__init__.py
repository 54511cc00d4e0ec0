"""Redis and PostgreSQL, the real ones: found where the environment says, or started and stopped."""
