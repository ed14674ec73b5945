"""Where an authorization server may be met: an operator says it in the connector's entry, so that it is registered and audited."""

from counterfoil_server.runtime.addresses import inside, loopback, public
from counterfoil_server.runtime.outbound import LARGEST, Outbound, Rules

RULES: dict[str, Rules] = {"internet": {"https": public}, "inside": {"https": inside}, "this_machine": {"https": loopback, "http": loopback}}


class Networks:
    """Made when first asked for: reading the certificates that are trusted takes a while."""

    def __init__(self, largest: int = LARGEST) -> None:
        self._largest = largest
        self._made: dict[str, Outbound] = {}

    def of(self, network: str) -> Outbound:
        if network not in self._made:
            self._made[network] = Outbound(RULES[network], largest=self._largest)
        return self._made[network]
