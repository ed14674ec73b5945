"""The database of the registry's tests, and the keys of one installation on it."""

from tests.registry.conftest import as_role, database, gateway, root

__all__ = ["as_role", "database", "gateway", "root"]
