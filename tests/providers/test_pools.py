"""What every error of the server becomes, and that its own words go nowhere."""

import asyncpg
import pytest

from services.providers.postgres.pools import becomes
from services.providers.seam import AlreadyThere, ProviderError, Refused, RootRefused, Unavailable, Unknown
from tests.providers.desk import CANARY, told


def outcome(error: Exception, lost: type[ProviderError] = Unknown) -> ProviderError:
    with pytest.raises(ProviderError) as raised, becomes(lost):
        raise error
    return raised.value


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (asyncpg.DuplicateObjectError, AlreadyThere),
        (asyncpg.InsufficientPrivilegeError, Refused),
        (asyncpg.InvalidPasswordError, RootRefused),
        (asyncpg.InvalidCatalogNameError, Refused),
        (asyncpg.PostgresSyntaxError, Refused),
        (asyncpg.LockNotAvailableError, Unavailable),
        (asyncpg.DeadlockDetectedError, Unavailable),
        (asyncpg.QueryCanceledError, Unavailable),
        (asyncpg.TooManyConnectionsError, Unavailable),
        (asyncpg.CannotConnectNowError, Unavailable),
        (asyncpg.ReadOnlySQLTransactionError, Unavailable),
        (asyncpg.AdminShutdownError, Unknown),
        (asyncpg.CrashShutdownError, Unknown),
        (asyncpg.StatementCompletionUnknownError, Unknown),
        (asyncpg.ConnectionDoesNotExistError, Unknown),
        (ConnectionResetError, Unknown),
        (TimeoutError, Unknown),
        (asyncpg.InterfaceError, Unknown),
    ],
)
def test_each_error_becomes_what_it_means(error: type[Exception], kind: type[ProviderError]):
    assert type(outcome(error(CANARY))) is kind


@pytest.mark.parametrize("error", [asyncpg.AdminShutdownError, ConnectionResetError, TimeoutError])
def test_before_anything_was_sent_a_lost_answer_is_merely_unavailable(error: type[Exception]):
    assert type(outcome(error(CANARY), Unavailable)) is Unavailable


@pytest.mark.parametrize("error", [asyncpg.PostgresSyntaxError, asyncpg.AdminShutdownError, OSError])
def test_the_servers_own_words_go_nowhere(error: type[Exception]):
    assert CANARY not in told(outcome(error(CANARY)))


def test_what_is_sorted_already_stays_what_it_is():
    assert outcome(Refused("code", "words"), Unavailable).code == "code"
