"""Values whose schema is kept in a registry: which schema they name, and how they become JSON. Fetches nothing."""
