"""Values whose schema is kept in a registry: which one they name, and how they become JSON. Nothing is fetched here."""
