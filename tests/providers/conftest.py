"""Everything here is about what stands behind the seam; whoever asks for the demo database needs the real PostgreSQL."""

from tests.support.demo import demo

__all__ = ["demo"]
