"""Broken: what arrived does not hold. The code says in which way; nothing ever quotes what arrived."""


class Broken(ValueError):
    """Raised by everything in `wire` that checks what others sent."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
