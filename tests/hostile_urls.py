"""URLs that lead, in some reading, to an address that no delivery may go to; the same in every run."""

from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address
from random import Random

DECOY = "1.1.1.1"
"""A public address that some URLs name beside the forbidden one; to connect to it is right where it is the host."""
PORTS = (80, 443, 8080)
BAD = """0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.100.100.200 127.0.0.1 127.9.9.9 169.254.169.254 172.16.0.1 192.0.0.1
192.0.0.192 192.168.1.1 192.88.99.1 198.18.0.1 203.0.113.9 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 168.63.129.16
:: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 64:ff9b::7f00:1 64:ff9b:1::a00:1 2002:7f00:1::
2001:0:7f00:1:: 100::1 2001:db8::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 ff0e::1""".split()
"""Addresses of every special range, and of cloud metadata."""
BAD_V4 = [IPv4Address(it) for it in BAD if ":" not in it]
BAD_V6 = [IPv6Address(it) for it in BAD if ":" in it]
FULL_WIDTH = str.maketrans("0123456789abcdef.:[]", "０１２３４５６７８９ａｂｃｄｅｆ．：［］")  # noqa: RUF001 - that is the point
CIRCLED = str.maketrans("0123456789", "⓪①②③④⑤⑥⑦⑧⑨")
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
DOTS = (".", "。", "．", "｡", "%2e", "%E3%80%82", "..")  # noqa: RUF001 - that is the point
REBINDING = ("{}.nip.example", "www.{}.sslip.example", "rebind-{}.example", "{}.xip.example.")


def spell_v4(address: IPv4Address, chance: Random) -> str:
    """One of the ways in which some library or other reads that address, an IPv6 one around it, or a name for it."""
    forms: tuple[Callable[[], str], ...] = (
        lambda: _numbers(address, chance),
        lambda: _foreign(str(address), chance),
        lambda: f"[{_around(address, chance)}]",
        lambda: chance.choice(REBINDING).format(str(address).replace(".", chance.choice("-.-"))),
    )
    return chance.choice(forms)()


def spell_v6(address: IPv6Address, chance: Random) -> str:
    """A way to write it, with more or less of its zeros, in any case, with a zone, or a name for it."""
    zone = chance.choice(("", "", "%25eth0", "%eth0", "%251", "%lo", "%25", "/64"))
    text = chance.choice((str(address), address.exploded, _some_zeros(address), _dotted_end(address)))
    shapes = (f"[{_cased(text, chance)}{zone}]", f"[{text}]", text, f"[[{text}]]", f"[{_foreign(text, chance)}]")
    return chance.choice((*shapes, chance.choice(REBINDING).format(address.exploded.replace(":", "-"))))


def hostile_urls(count: int, seed: int = 1) -> Iterator[tuple[str, str]]:
    """That many different URLs, each with the address that it means."""
    chance, seen = Random(seed), set[str]()
    while len(seen) < count:
        address = chance.choice((chance.choice(BAD_V4), chance.choice(BAD_V6)))
        host = spell_v4(address, chance) if isinstance(address, IPv4Address) else spell_v6(address, chance)
        url = chance.choice(_SHAPES)(host, chance)
        if url not in seen:
            seen.add(url)
            yield url, str(address)


def _numbers(address: IPv4Address, chance: Random) -> str:
    """As inet_aton reads it: one to four numbers, each in any base, the last one filling what is left."""
    count = chance.randint(1, 4)
    whole = int(address)
    parts = [whole >> (24 - 8 * at) & 255 for at in range(count - 1)]
    rest = whole & ((1 << (8 * (5 - count))) - 1)
    over = chance.choice((0, 0, 0, 1 << 32, 1 << 8))
    return ".".join(_based(it, chance) for it in (*parts, rest + over)) + chance.choice(("", "", "."))


def _based(number: int, chance: Random) -> str:
    form = chance.choice(("{}", "{}", "0{:o}", "0x{:x}", "0X{:X}", "000{:o}", "0x0000{:x}", "0o{:o}", "+{}", "{:08d}"))
    return form.format(number)


def _foreign(text: str, chance: Random) -> str:
    """With other scripts' digits, other dots, percent-encoding, or characters that a careless reader drops."""
    whole = chance.choice((FULL_WIDTH, CIRCLED, ARABIC))
    forms: tuple[Callable[[], str], ...] = (
        lambda: text.translate(whole),
        lambda: "".join(it.translate(whole) if chance.random() < 0.3 else it for it in text),
        lambda: text.replace(".", chance.choice(DOTS)),
        lambda: "".join(f"%{ord(it):02x}" if chance.random() < 0.4 else it for it in text),
        lambda: "".join(f"%25{ord(it):02x}" if chance.random() < 0.2 else it for it in text),
        lambda: _with(text, chance.choice("\u200b\u00ad\t\n\r\0 \\\u2060"), chance),
    )
    return chance.choice(forms)()


def _with(text: str, character: str, chance: Random) -> str:
    at = chance.randint(0, len(text))
    return text[:at] + character + text[at:]


def _around(address: IPv4Address, chance: Random) -> str:
    """An IPv6 address that carries it: mapped, compatible, translated, 6to4, NAT64, Teredo, ISATAP."""
    high, low = f"{int(address) >> 16:x}", f"{int(address) & 0xFFFF:x}"
    mask = int(address) ^ 0xFFFFFFFF
    forms = (
        f"::ffff:{address}",
        f"::ffff:{high}:{low}",
        f"0:0:0:0:0:ffff:{address}",
        f"0000:0000:0000:0000:0000:FFFF:{high}:{low}",
        f"::{address}",
        f"::ffff:0:{address}",
        f"2002:{high}:{low}::1",
        f"64:ff9b::{address}",
        f"64:ff9b:1::{high}:{low}",
        f"2001:0:4136:e378:8000:63bf:{mask >> 16:x}:{mask & 0xFFFF:x}",
        f"2001:0:{high}:{low}::1",
        f"fe80::5efe:{address}",
    )
    return _cased(chance.choice(forms), chance) + chance.choice(("", "", "", "%25eth0", "%eth0"))


def _cased(text: str, chance: Random) -> str:
    return "".join(it.upper() if chance.random() < 0.5 else it for it in text)


def _some_zeros(address: IPv6Address) -> str:
    return ":".join(f"{int(part, 16):x}" for part in _parts(address))


def _dotted_end(address: IPv6Address) -> str:
    return f"{':'.join(_parts(address)[:6])}:{IPv4Address(int(address) & 0xFFFFFFFF)}"


def _parts(address: IPv6Address) -> list[str]:
    """Its eight parts of four digits; what Python writes of a mapped address depends on its version."""
    digits = f"{int(address):032x}"
    return [digits[at : at + 4] for at in range(0, 32, 4)]


Shape = Callable[[str, Random], str]
_SHAPES: tuple[Shape, ...] = (
    lambda host, chance: f"{_scheme(chance)}://{host}{_port(chance)}{_tail(chance)}",
    lambda host, chance: f"{_scheme(chance)}://{host}{_port(chance)}{_tail(chance)}",
    lambda host, chance: f"{_scheme(chance)}://{host}{_tail(chance)}",
    lambda host, chance: f"{_scheme(chance)}://{_user(chance)}@{host}{_port(chance)}{_tail(chance)}",
    lambda host, chance: f"{_scheme(chance)}:{chance.choice(_SLASHES)}{host}{_tail(chance)}",
    lambda host, chance: _with(f"{_scheme(chance)}://{host}{_tail(chance)}", chance.choice("\t\n\r\0 \u3000"), chance),
    lambda host, chance: f"{_scheme(chance)}://{DECOY}{chance.choice(_JOINTS)}{host}{_tail(chance)}",
)
_SLASHES = ("", "/", "///", "////", "\\\\", "/\\", "//\\", "\\/")
_JOINTS = ("#@", "\\@", "?@", ":80@", "%00@", "%23@", "\t@", "&@", " @", "/..//", "#", "\\", ":80#@", "%2f@", ";@")


def _scheme(chance: Random) -> str:
    return chance.choice(("http", "http", "https", "HTTP", "hTTps"))


def _user(chance: Random) -> str:
    return chance.choice((DECOY, "a", "a:b", f"{DECOY}:80", "a%40b", "", ":", f"http://{DECOY}"))


def _port(chance: Random) -> str:
    return chance.choice(("", "", *(f":{port}" for port in PORTS), ":0", ":080", ":65616", ":", ":80:80", ":８０"))  # noqa: RUF001


def _tail(chance: Random) -> str:
    return chance.choice(("", "/", "/a?b=c", "#f", f"/@{DECOY}/", f"?{DECOY}", "/%0d%0aHost:%20a", "//", "/..;/"))
