"""A login that came to nothing: what happened, and what to do."""

import json


class Failed(Exception):
    """`again`: whether beginning anew may help. `entry`: what the registry lacks. Nothing of it is a token's, or what the issuer wrote."""

    def __init__(self, code: str, message: str, fix: str, status: int = 400, *, again: bool = True, entry: str = "") -> None:
        super().__init__(code)
        self.code, self.message, self.fix, self.status, self.again, self.entry = code, message, fix, status, again, entry


ANEW = "sign in again"
SETTINGS = "whoever runs the console: compare COUNTERFOIL_CONSOLE_ISSUER and COUNTERFOIL_CONSOLE_CLIENT with what the issuer has for this console"
WATCH = "begin at the console's own address. If it happens again, somebody may be trying to sign you in as another: tell who runs this installation"


def misconfigured(message: str) -> Failed:
    return Failed("issuer_misconfigured", message, SETTINGS, 502)


def away(message: str) -> Failed:
    return Failed(
        "issuer_unavailable", message, "try again in a minute; if it stays so, see whether the issuer is up and this console may reach it", 502
    )


def foreign(code: str, message: str) -> Failed:
    return Failed(code, message, WATCH)


def rejected(code: str, message: str) -> Failed:
    return Failed(code, f"what the issuer signed for you does not hold: {message}", SETTINGS, 403)


def stranger(issuer: str, subject: str) -> Failed:
    """The issuer knows them, the registry does not. Their own subject is shown to themselves: an admin needs it."""
    fix = "an admin writes this into a file, with the role that you shall have (viewer, operator, admin): counterfoil apply -f operator.yaml"
    entry = f"kind: operator\nissuer: {quoted(issuer)}\nsubject: {quoted(subject)}\nrole: viewer"
    return Failed(
        "no_operator", "you are signed in at the issuer, but the registry names you no operator of this installation", fix, 403, entry=entry
    )


def quoted(text: str) -> str:
    """JSON's strings are YAML's."""
    return json.dumps(text, ensure_ascii=False)
