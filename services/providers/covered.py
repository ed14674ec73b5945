"""Whether a detail that a provider gave lies within one that was asked for. RFC 9396 leaves that to each type; this holds for all of them."""

import json
from collections.abc import Iterable, Mapping

Detail = Mapping[str, object]


def covered(given: Detail, asked: Iterable[Detail]) -> bool:
    """One has to cover it whole: two that cover half each are no permission for both halves together."""
    return any(covers(one, given) for one in asked)


def covers(asked: Detail, given: Detail) -> bool:
    """The same members, for one more may allow more, and one less is a limit less. Of a list there may be fewer, but some."""
    return given.keys() == asked.keys() and all(part(given[name], asked[name]) for name in asked)


def part(given: object, asked: object) -> bool:
    if spelled(given) == spelled(asked):
        return True
    if not isinstance(given, list | tuple) or not isinstance(asked, list | tuple):
        return False
    return bool(given) and {spelled(one) for one in given} <= {spelled(one) for one in asked}


def spelled(value: object) -> str:
    """Equal only where type and value are: 1, true and "1" are three."""
    return json.dumps(value, sort_keys=True)
