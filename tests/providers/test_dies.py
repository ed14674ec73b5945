"""When a credential that nobody can end is surely dead."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from services.providers.ends import dies

LENT = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
LATER = LENT + timedelta(minutes=50)
PROVIDER: Any = SimpleNamespace(window=timedelta(seconds=60))


@pytest.mark.parametrize(
    ("handle", "when"),
    [
        ({"until": LATER.isoformat()}, LATER),
        ({"until": (LENT - timedelta(minutes=1)).isoformat()}, LENT),
        ({"until": None}, LENT),
        ({"role": "x"}, LENT),
        (None, LENT + PROVIDER.window),
    ],
)
def test_it_is_what_the_provider_said_where_that_is_later_and_a_lost_answer_as_late_as_can_be(handle: dict[str, object] | None, when: datetime):
    assert dies({"handle": handle, "expires_at": LENT}, PROVIDER) == when
