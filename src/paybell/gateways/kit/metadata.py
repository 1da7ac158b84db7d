"""What merchants tell Paybell through a gateway's metadata (Stripe's ``metadata``, Razorpay's ``notes`` …).

``paybell_product``: what is bought, as an entitlement. ``paybell_user`` (else ``user_id``): the merchant's own name for
who pays. ``paybell_expected_minor`` with ``paybell_expected_currency``: what the payment should come to.

Some checkouts run in the buyer's browser, which says what their metadata is. What is bought and what it should cost is
not believed of those, unless the source has the option ``trustMetadata``; who pays is, for nobody gains by paying for
another.
"""

import re
from collections.abc import Mapping
from typing import Final

from paybell.errors import AmountError
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.options import Check, Options, flag
from paybell.gateways.kit.payloads import Record, details, first_text
from paybell.model.fact import Fact, Kind

UNREADABLE: Final = (0, "XXX")
"""What is expected where the merchant's word cannot be read: nothing that is paid is that (ISO 4217: no currency)."""

TRUST: Final = "trustMetadata"
CHECKS: Final[Mapping[str, Check]] = {TRUST: flag}
"""The option of gateways where a buyer may set metadata: believe all of it, for the merchant's server alone sets it."""

_OF_BUYERS: Final = ("paybell_user", "user_id")
_WHOLE: Final = re.compile(r"[0-9]{1,15}")


def believed(metadata: object, options: Options) -> Record:
    """What may be believed of metadata that a buyer may have set."""
    if not isinstance(metadata, dict):
        return {}
    if options.get(TRUST) is True:
        return metadata
    return {name: metadata[name] for name in _OF_BUYERS if name in metadata}


def said(metadata: Record) -> dict[str, str]:
    """For whom and for what, as details of a fact."""
    user_id = first_text(_text(metadata.get("paybell_user")), _text(metadata.get("user_id")))
    return details(product=first_text(metadata.get("paybell_product")), user_id=user_id)


def expected(aggregate: str, metadata: Record, at_ms: int) -> list[Fact]:
    """What the payment should come to; nothing where nothing is said."""
    amount, currency = metadata.get("paybell_expected_minor"), metadata.get("paybell_expected_currency")
    if amount is None and currency is None:
        return []
    amount_minor, code = _money(_text(amount), currency)
    return [
        Fact(aggregate=aggregate, kind=Kind.EXPECTED, at_ms=at_ms, amount_minor=amount_minor, currency=code),
    ]


def _money(amount: str, currency: object) -> tuple[int, str]:
    try:
        code = currency_code(currency)
    except AmountError:
        return UNREADABLE
    return (int(amount), code) if _WHOLE.fullmatch(amount) and int(amount) else UNREADABLE


def _text(value: object) -> str:
    """Some gateways turn a text of digits into a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else first_text(value)
