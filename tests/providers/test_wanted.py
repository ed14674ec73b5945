"""What a provider is told of whom it lends to is what the grant says."""

from datetime import timedelta
from typing import Any

from counterfoil.wire.canonical import digest
from services.providers.seam import Borrower
from services.providers.wanted import Intent, Wanted
from tests.support import facts


def test_who_asked_goes_with_the_order():
    nothing: Any = None
    who = facts.verified(sub_hash=digest(b"somebody"), project="web", environment="production")
    wanted = Wanted(nothing, facts.granted(who), who, "", facts.connector(), nothing, {})

    order = Intent(wanted, 1, 0, facts.NOW, facts.NOW, facts.NOW + timedelta(minutes=1)).order()

    assert order.borrower == Borrower(digest(b"somebody"), "web", "production")
