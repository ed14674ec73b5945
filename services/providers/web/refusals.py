"""A final no, by its code: what is about the root secret itself, another root secret may turn."""

from services.providers.seam import Refused, RootRefused

ROOT_REFUSED = "root_refused"


def refused(code: str, message: str) -> Refused:
    return (RootRefused if code == ROOT_REFUSED else Refused)(code, message)
