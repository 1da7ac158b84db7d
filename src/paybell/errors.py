"""Every error Paybell raises on purpose.

::

    PaybellError                 one base, so that a caller can catch everything of ours
    ├── ConfigurationError       a setting, option or argument is wrong; the text says how to right it
    ├── AmountError              an amount of money that is not exact in its currency
    ├── MalformedPayload         bytes of a gateway that are not what its documents promise
    ├── NotFound                 nothing under that id, for this organisation
    ├── Conflict                 the id or name is taken, or the state does not allow it
    └── StoreError               the database could not do it
        ├── StoreUnavailable     for now: busy, full, or stopping; the same call may succeed later
        └── SchemaError          the schema is newer than this program, or not ours

Expected outcomes (a refused signature, an endpoint that answers 500) are values, not errors.
"""


class PaybellError(Exception):
    """Base of all errors raised by Paybell."""


class ConfigurationError(PaybellError):
    """A setting, option or argument is wrong; the text says what to do."""


class AmountError(PaybellError):
    """An amount that cannot be said exactly in its currency's minor units."""


class MalformedPayload(PaybellError):
    """A gateway's bytes are not what its documents promise; the notification is parked with this text."""


class NotFound(PaybellError):
    """Nothing under that id for this organisation."""


class Conflict(PaybellError):
    """The id or name is taken, or the state does not allow the change."""


class StoreError(PaybellError):
    """The database could not do what was asked."""


class StoreUnavailable(StoreError):
    """The database is busy, full or stopping; the same call may succeed later."""


class SchemaError(StoreError):
    """The database's schema is newer than this program, or is not Paybell's."""
