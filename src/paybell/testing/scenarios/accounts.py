"""Accounts that scenarios share, and what their gateways keep of a payment of 100.00."""

from collections.abc import Mapping
from typing import Final

from paybell.testing.scenarios.script import Account

STRIPE: Final = Account(gateway="stripe")
RAZORPAY: Final = Account(gateway="razorpay")
ADYEN: Final = Account(gateway="adyen")
GENERIC: Final = Account(gateway="generic", options={"header": "X-Paybell-Signature"})
MOLLIE: Final = Account(gateway="mollie", secrets=())
IPPOPAY: Final = Account(gateway="ippopay", secrets=())

RAZORPAY_KEPT: Final[Mapping[str, int]] = {"fees": 200, "tax_recoverable": 36}
STRIPE_KEPT_OF_DISPUTE: Final[Mapping[str, int]] = {"dispute_fees": 1_500}
