"""Paybell: every payment gateway's webhooks, one exactly-once record of payments, signed webhooks that always arrive.

Five steps, each a package: **receive** verifies a webhook and has it on disk before the 200; **record** turns it into
facts and payments, once, whatever the order; **route** finds who wants to hear of the change; **deliver** signs, sends
and retries; **reconcile** asks the gateways. Steps never import one another; they meet in the store.
"""

from typing import TYPE_CHECKING

from paybell.errors import ConfigurationError, PaybellError

if TYPE_CHECKING:
    from paybell.app.bell import Paybell

__all__ = ["ConfigurationError", "Paybell", "PaybellError"]


def __getattr__(name: str) -> object:
    """Load the application only when it is asked for: the pure parts stay cheap to import."""
    if name == "Paybell":
        from paybell.app.bell import Paybell  # noqa: PLC0415 - that is the point

        return Paybell
    raise AttributeError(f"module 'paybell' has no attribute {name!r}")
