"""What the local issuer shows a developer: how to get a login link, and the button of a step-up."""

from html import escape

from starlette.responses import HTMLResponse

# No form-action: a browser holds it against where a form's answer leads too, which is the console.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
}
STYLE = "body{font:1rem/1.5 system-ui;max-width:36rem;margin:15vh auto;padding:0 1rem;color-scheme:light dark}button{font:inherit;padding:.5rem 1rem}"
ANOTHER = "python -m services.dev.login_link"


def page(title: str, body: str, status: int = 200) -> HTMLResponse:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title><style>{STYLE}</style>'
    return HTMLResponse(f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{escape(title)}</h1>{body}</body></html>', status, HEADERS)


def no_link(*, used: bool) -> HTMLResponse:
    why = "This login link was used before, or is older than an hour." if used else "This browser is not signed in at the local issuer."
    body = f"<p>{why}</p><p>A login link is good once. Print another, in the checkout: <code>.venv/bin/{ANOTHER}</code></p>"
    return page("A login link is needed", body, 403)


def again(name: str) -> HTMLResponse:
    """The form goes to the address that it stands at, which says all else."""
    why = "What comes next is drastic, so say once more that it is you."
    return page("Sign in again", f'<p>{why}</p><form method="post"><button>Continue as {escape(name)}</button></form>')


def wrong(what: str) -> HTMLResponse:
    return page("That cannot be answered", f"<p>{escape(what)}</p>", 400)
