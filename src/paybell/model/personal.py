"""Take personal data out of what is kept: bodies, payloads, facts. Pure.

What is taken out: whatever stands under a name that is known to be personal (``email``, ``phone``, ``address`` and all
in it), and every text that contains a value known to be the customer's. Ids, amounts, times and states stay, so that
what is left can still be read by the same code.
"""

import re
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Collection
from decimal import Decimal, DecimalException
from typing import Final
from urllib.parse import parse_qsl, urlencode

import msgspec
from msgspec.structs import replace

from paybell.model.fact import Fact

ERASED: Final = "erased"
DETAILS: Final = ("customer_email", "customer_name", "customer_phone")
"""Of a fact; ids are left: they name nobody to whom the gateway does not say who it is."""
VALUE_CHARS_MIN: Final = 4
"""A shorter value (a name such as Li) is only taken out where it stands alone."""

_NAMES: Final = frozenset(
    """
    email emailaddress useremail payeremail customeremail shopperemail receiptemail billingemail contactemail
    phone phonenumber mobile mobilenumber telephone telephonenumber contact customerphone payerphone contactnumber
    firstname lastname fullname middlename givenname surname familyname customername shoppername payername holdername
    cardholder cardholdername ownername accountholder accountholdername billingname shippingname nameoncard cardname
    address billingaddress shippingaddress deliveryaddress line1 line2 street street1 street2 housenumberorname city
    postalcode postcode zip zipcode pincode
    ip ipaddress shopperip clientip customerip useragent
    dateofbirth birthdate dob ssn taxid vatid nationalid socialsecuritynumber passport
    vpa upi iban bic accountnumber bankaccountnumber routingnumber sortcode last4 lastfour cardnumber maskedpan bin
    customerdetails billingdetails shippingdetails shipping shopper payer contactdetails
    """.split()
)
_KEPT: Final = frozenset({"id", "object", "type", "status", "currency", "amount", "country", "countrycode"})
"""What stays even within something personal: it says what a thing is, and whose by the gateway's id."""
_NUMBERS: Final = msgspec.json.Encoder(decimal_format="number")
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)
_HIDDEN: Final = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_DEPTH_MAX: Final = 200


def redacted_body(body: bytes, values: Collection[str]) -> bytes:
    """JSON or a form without personal data; of anything else nothing is left."""
    try:
        return _NUMBERS.encode(_redacted(_DECODER.decode(body), _lowered(values), 0))
    except (msgspec.MsgspecError, ValueError, RecursionError, DecimalException):
        pass
    try:
        fields = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        return b""
    known = _lowered(values)
    return urlencode([(name, ERASED if _is_personal(name) else _text(value, known)) for name, value in fields]).encode()


def redacted_text(text: str, values: Collection[str]) -> str:
    """A text for people with the customer's values taken out of it."""
    for value in sorted(_lowered(values), key=len, reverse=True):
        if len(value) >= VALUE_CHARS_MIN:
            text = re.sub(re.escape(value), ERASED, text, flags=re.IGNORECASE)
    return text


def redacted_fact(fact: Fact, values: Collection[str], pseudonym: str) -> Fact:
    """A fact without personal data; whom it names by e-mail alone goes by ``pseudonym`` from now on."""
    named = {name: value for name, value in fact.detail.items() if name not in DETAILS}
    if len(named) < len(fact.detail) and "customer_id" not in named and "customer_email" in fact.detail:
        named["customer_id"] = pseudonym
    cleaned = {name: redacted_text(value, values) for name, value in named.items()}
    return fact if cleaned == fact.detail else replace(fact, detail={**cleaned, ERASED: "true"})


def personal_values(facts: Collection[Fact]) -> frozenset[str]:
    """What the facts know of the customer that is personal."""
    return frozenset(value for fact in facts for name in DETAILS if (value := fact.detail.get(name, "")))


def _lowered(values: Collection[str]) -> frozenset[str]:
    return frozenset(value.lower() for value in values if value)


def _redacted(value: object, values: frozenset[str], depth: int) -> object:
    if depth > _DEPTH_MAX:
        return ERASED
    if isinstance(value, dict):
        return {name: _field(str(name), it, values, depth) for name, it in value.items()}
    if isinstance(value, list):
        return [_redacted(it, values, depth + 1) for it in value]
    return _text(value, values) if isinstance(value, str) else value


def _field(name: str, value: object, values: frozenset[str], depth: int) -> object:
    if not _is_personal(name):
        return _redacted(value, values, depth + 1)
    return _emptied(value)


def _emptied(value: object) -> object:
    """All that is in something personal, but for what says what it is."""
    if isinstance(value, dict):
        return {name: it if _plain(str(name)) in _KEPT else _emptied(it) for name, it in value.items()}
    if isinstance(value, list):
        return [_emptied(it) for it in value]
    return value if value is None or isinstance(value, bool) or value == "" else ERASED


def _text(value: str, values: frozenset[str]) -> str:
    lowered = value.lower()
    if lowered in values or any(len(it) >= VALUE_CHARS_MIN and it in lowered for it in values):
        return ERASED
    return ERASED if _hides(value, values) else value


def _hides(value: str, values: frozenset[str]) -> bool:
    """Whether any of it, written in base64 (a token's parts too), contains one of the values."""
    for part in _HIDDEN.findall(value):
        try:
            shown = urlsafe_b64decode(part.rstrip("=").translate(str.maketrans("+/", "-_")) + "==")
        except (Base64Error, ValueError):
            continue
        text = shown.decode("utf-8", "replace").lower()
        if any(len(it) >= VALUE_CHARS_MIN and it in text for it in values):
            return True
    return False


def _is_personal(name: str) -> bool:
    return _plain(name) in _NAMES


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
