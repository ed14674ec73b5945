"""What a person sees on their way: server-rendered, without a script, and nothing from elsewhere."""

import json
from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.responses import HTMLResponse, RedirectResponse, Response

STYLE = """body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem;color-scheme:light dark}
label,input{display:block;width:100%;box-sizing:border-box}input,button{font:inherit;padding:.4rem .8rem;margin:.4rem .4rem .8rem 0}"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action "
HEADERS = {
    "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
    "Content-Security-Policy": f"{POLICY}'none'",
}  # fmt: skip
FORM = HEADERS | {"Content-Security-Policy": f"{POLICY}'self'"}
Row = Mapping[str, Any]


def page(title: str, text: str, status: int = 200, more: str = "", headers: Mapping[str, str] = HEADERS, refresh: str = "") -> Response:
    """`text` is escaped here; `more` is markup. `refresh`: after how many seconds the browser comes again, or where it goes then."""
    again = f'<meta http-equiv=refresh content="{escape(refresh)}">' if refresh else ""
    made = f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>{escape(title)}</title>"
    return HTMLResponse(
        f"{made}{again}<style>{STYLE}</style><main><h1>{escape(title)}</h1><p>{escape(text)}</p>{more}</main></html>", status, headers
    )


def over() -> Response:
    return page("This question is over", "The link was used, or is older than ten minutes. Go back to the app, and begin again.", 404)


def stranger() -> Response:
    return page("This is no answer to a question of ours", "Go back to the app, and begin again, in this browser.", 400)


def app(row: Row) -> str:
    return f"{row['project']} ({row['environment']})"


def told(row: Row, *, posted: bool = False) -> Response:
    """Back to the app, where it said where; else a page that says what came of it.

    `posted`: it answers a form, whose policy lets no browser follow it elsewhere: so the page itself leads on.
    """
    outcome = row["outcome"] if row["outcome"] in {"granted", "refused"} else "waiting"
    if row["return_to"]:
        joint = "&" if urlsplit(row["return_to"]).query else "?"
        to = f"{row['return_to']}{joint}{urlencode({'consent': str(row['consent_id']), 'outcome': outcome})}"
        if not posted:
            return RedirectResponse(to, 303, HEADERS)
        onward = f'<p><a href="{escape(to)}" rel=noreferrer>On to the app</a></p>'
        return page("Back to the app", f"It knows what came of it: {outcome}.", 200, onward, refresh=f"0;url={to}")
    if outcome == "granted":
        return page("Done", f"{app(row)} may now act for you at {row['connector']}: {', '.join(row['scopes'])}. You may close this page.")
    if outcome == "waiting":
        return page("Not yet", "The provider takes its time. Go back to the app: it asks again by itself.", 504)
    message = json.loads(bytes(row["fact"])).get("message", "")
    return page("Nothing was given", f"{app(row)} cannot act for you at {row['connector']}: {message}", 403)


def beginning(row: Row, state: str) -> Response:
    asks = f"{app(row)} asks to act for you at {row['connector']}: {', '.join(row['scopes'])}."
    more = f"""<p>You get a code, which you type in at the provider.
Only go on if you come from that app yourself: whoever types the code in agrees.</p>
<form method=post><input type=hidden name=state value="{escape(state)}"><button>Get a code</button><button name=no value=no>No</button></form>"""
    return page(f"Agree for {app(row)}", asks, 200, more, FORM)


def moment() -> Response:
    return page("One moment", "The provider is asked for a code. This page comes again by itself.", refresh="1")


def typing_in(row: Row) -> Response:
    """RFC 8628 section 3.3: the code stands beside the link that has it in it, so that both can be compared."""
    to = row["complete"] or row["url"]
    more = f"""<p><strong style="font-size:2rem;letter-spacing:.1em">{escape(row["user_code"])}</strong></p>
<p><a href="{escape(to)}" rel="noreferrer noopener" target=_blank>Go there</a>, or type {escape(row["url"])} on any device.
It has to show you this code. This page comes again by itself, until you have agreed there.</p>"""
    return page("Your code", f"{app(row)} may act for you at {row['connector']} once you have typed in this code there:", 200, more, refresh="3")


def pasting(row: Row, state: str, keys_at: str, wrong: str = "") -> Response:
    """`wrong`: why what they gave before was not taken."""
    asks = f"{app(row)} asks for a key of yours at {row['connector']}, to act for you there: {', '.join(row['scopes'])}."
    where = f'<p><a href="{escape(keys_at)}" rel="noreferrer noopener" target=_blank>Where to find or make one</a></p>' if keys_at else ""
    said, by = (f"<p id=wrong role=alert><strong>{escape(wrong)}</strong></p>", "about wrong") if wrong else ("", "about")
    more = f"""<p id=about>It is lent as it is, and can do whatever it can do for you. Whoever runs the app can have it forgotten here;
to end it, end it at the provider.</p>{where}{said}<form method=post autocomplete=off><input type=hidden name=state value="{escape(state)}">
<label for=key>Your key</label><input id=key name=key type=password required autofocus autocomplete=off autocapitalize=none spellcheck=false
aria-describedby="{by}"><button>Give it</button><button name=no value=no formnovalidate>Do not give it</button></form>"""
    return page(f"A key for {app(row)}", asks, 400 if wrong else 200, more, FORM)
