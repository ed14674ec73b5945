"""Where a url from outside may not lead: this machine, the networks behind it, and whatever is spelled so as to get there."""

from collections.abc import Sequence
from ipaddress import IPv4Address, ip_address

import pytest

from counterfoil_server.runtime.addresses import inside, public
from counterfoil_server.runtime.outbound import Outbound, Unfetched, careful

FORBIDDEN = [
    *("127.0.0.1", "127.255.255.254", str(IPv4Address(0)), "0.1.2.3", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1"),
    *("169.254.169.254", "169.254.170.2", "169.254.0.1", "169.254.1.1"),
    *("100.64.0.1", "100.100.100.200", "100.127.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "198.51.100.1", "203.0.113.1"),
    *("198.18.0.1", "198.19.255.255", "192.88.99.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "febf::1", "fec0::1", "fc00::1", "fd00:ec2::254", "fd12::1", "ff02::1", "ff0e::1"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8", "::127.0.0.1", "::ffff:0:127.0.0.1", "::8.8.8.8"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::808:808", "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:808:808::1"),
    *("2001::1", "2001:0:7f00:1::", "2001:10::1", "2001:20::1", "2001:db8::1", "3fff::1", "100::1", "5f00::1", "2001:2::1", "4000::1"),
]
ALLOWED = ["8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "169.253.255.255", "223.255.255.255"]
ALLOWED_V6 = ["2606:4700::6810:84e5", "2a00:1450:4001:82a::200e", "2620:1ec::10", "2001:4860:4860::8888"]


CLIENTS = {development: careful(development=development) for development in (True, False)}


class Names:
    """A resolver that answers each question with the next of its answers, and counts the questions."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, _: str, __: int) -> Sequence[str]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


async def refused(url: str, names: Names | None = None, *, development: bool = False) -> str:
    client = CLIENTS[development]
    client._resolve = names or Names([])
    with pytest.raises(Unfetched) as caught:
        await client.fetch_json(url)
    return caught.value.code


@pytest.mark.parametrize("address", FORBIDDEN)
async def test_an_address_that_is_not_on_the_internet_is_refused(address: str):
    assert await refused("https://issuer.example/jwks", Names([address])) == "address"
    host = f"[{address}]" if ":" in address else address
    assert await refused(f"https://{host}/latest/meta-data", Names()) in {"address", "url"}


@pytest.mark.parametrize("address", ALLOWED + ALLOWED_V6)
def test_an_address_on_the_internet_is_allowed(address: str):
    assert public("issuer.example", ip_address(address))


@pytest.mark.parametrize("answers", [["8.8.8.8", "127.0.0.1"], ["10.0.0.1", "8.8.8.8"], ["2606:4700::1", "::1"], []], ids=str)
async def test_one_bad_address_among_good_ones_is_enough(answers: list[str]):
    assert await refused("https://issuer.example/jwks", Names(answers)) == "address"


ODD_HOSTS = [
    *("2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.1", "127.0.1", "0", "0x0", "127.0.0.1.", "127.0.0.01"),
    *("127.0.0.0x1", "1.2.3.4.5", "256.1.1.1", "0xa9.0xfe.0xa9.0xfe", "2852039166", "0251.0376.0251.0376", "169.254.43518", "1.1.1.1.1e1"),
    *("[::ffff:127.0.0.1]", "[0:0:0:0:0:ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "[::1%25lo]", "[fe80::1%25eth0]", "[::]", "[1]", "[127.0.0.1]", "[v1.a]"),
    *(
        "[2606:4700:0:0:0:0:0:1111]",
        "[2606:4700:0::1111]",
        "issuer.example.",
        ".issuer.example",
        "issuer..example",
        "-issuer.example",
        "issuer-.example",
        "a" * 64 + ".example",
        "issuer.1",
        "*",
    ),
    *(
        "127.0.0.1%00.example",
        "issuer%2eexample",
        "issuer.example%2f",
        "ⓔxample.com",
        "127。0。0。1",
        "\uff11\uff12\uff17.0.0.1",
        "issuer.exa\u0301mple",
    ),
]


@pytest.mark.parametrize("host", ODD_HOSTS, ids=repr)
async def test_an_odd_notation_is_refused_before_anyone_resolves_it(host: str):
    names = Names(["8.8.8.8"])
    assert await refused(f"https://{host}/jwks", names) in {"url", "address"}
    assert names.asked == 0


URLS = [
    *(
        "",
        "issuer.example",
        "//issuer.example/",
        "/jwks",
        "https:issuer.example",
        "https:///jwks",
        "https://",
        "https://:443/",
        "https:/issuer.example/",
    ),
    *("http://issuer.example/", "HTTP://issuer.example/", "ftp://issuer.example/", "file:///etc/passwd", "gopher://issuer.example/", "data:,x"),
    *("unix:///run/docker.sock", "ws://issuer.example/", "https+unix://x/", "javascript:1", "dict://127.0.0.1:11211/"),
    *("https://user@issuer.example/", "https://user:pass@issuer.example/", "https://issuer.example:443@127.0.0.1/", "https://@issuer.example/"),
    *("https://issuer.example\\@127.0.0.1/", "https://issuer.example\\.attacker.example/", "https:\\\\issuer.example/", "https://issuer.example/\\"),
    *(
        "https://issuer.example#@127.0.0.1/",
        "https://issuer.example/#x",
        " https://issuer.example/",
        "https://issuer.example/ ",
        "https://issuer example/",
    ),
    *(
        "https://issuer.example/\r\nHost: x",
        "https://issuer.example/\n",
        "\thttps://issuer.example/",
        "https://issuer.example/\0",
        "https://issuer.example/é",
    ),
    *(
        "https://issuer.example:0x1bb/",
        "https://issuer.example:99999/",
        "https://issuer.example:-1/",
        "https://issuer.example:0/",
        "https://issuer.example:65536/",
        "https://issuer.example:/x:y@z",
        "https://a:b:c/",
    ),
    *('https://issuer.example/"', "https://issuer.example/<x>", "https://issuer.example/{x}", "https://issuer.example/^", "https://issuer.example/`"),
]


@pytest.mark.parametrize("url", URLS, ids=repr)
async def test_a_url_with_two_readings_is_refused_before_anyone_resolves_it(url: str):
    names = Names(["8.8.8.8"])
    assert await refused(url, names) == "url"
    assert names.asked == 0


PLAIN = ["http://issuer.example/", "http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://8.8.8.8/"]


@pytest.mark.parametrize("url", PLAIN)
async def test_http_is_refused_outside_of_development(url: str):
    assert await refused(url) == "url"


@pytest.mark.parametrize("answers", [["8.8.8.8"], ["127.0.0.1"], ["::1"], ["10.0.0.1"]], ids=str)
@pytest.mark.parametrize("host", ["issuer.example", "localhost.attacker.example", "localhost.localdomain", "issuer.localhost"])
async def test_in_development_http_reaches_this_machine_only_by_its_own_name(host: str, answers: list[str]):
    assert await refused(f"http://{host}:8485/", Names(answers), development=True) == "address"


@pytest.mark.parametrize("address", ["8.8.8.8", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1"])
async def test_in_development_localhost_must_be_this_machine(address: str):
    assert await refused("http://localhost:8485/", Names([address]), development=True) == "address"


@pytest.mark.parametrize("url", ["https://127.0.0.1:8485/", "https://localhost/", "https://[::1]/"])
async def test_in_development_https_still_means_the_internet(url: str):
    assert await refused(url, Names(["127.0.0.1"]), development=True) == "address"


async def test_a_name_that_changes_its_mind_is_asked_once():
    """Rebinding: good while it is checked, inside when it is connected to."""
    met: list[str] = []
    names = Names(["192.0.2.7"], ["127.0.0.1"])

    def watching(_: str, address: object) -> bool:
        met.append(str(address))
        return True

    client = Outbound({"https": watching}, resolve=names, in_all=0.2)
    with pytest.raises(Unfetched, match=r"timeout|unreachable"):
        await client.fetch_json("https://issuer.example:1/")
    assert (names.asked, met) == (1, ["192.0.2.7"])


@pytest.mark.parametrize("address", ["10.0.0.1", "172.31.255.255", "192.168.1.1", "fd12:3456::1", "93.184.216.34", "2606:4700::1111"])
def test_the_own_network_is_inside_and_so_is_the_internet(address: str):
    assert inside("idp.example", ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "169.254.169.254", "fe80::1", "100.100.100.200", "fd00:ec2::254", "fd20:ce::254", "::ffff:10.0.0.1", "64:ff9b::a00:1"],
)
def test_this_machine_and_the_metadata_services_of_clouds_are_not_inside(address: str):
    assert not inside("idp.example", ip_address(address))
