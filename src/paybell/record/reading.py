"""Read notifications: what their gateways' modules say of them, or why they cannot be read."""

from collections.abc import Mapping

from paybell import log
from paybell.errors import AmountError, MalformedPayload
from paybell.model.fact import Parsed
from paybell.model.notification import Notification
from paybell.model.source import Source
from paybell.ports import Gateway, Reading
from paybell.record.rules import check_facts


class Reader:
    """Asks gateways' modules; a fault in one is a reading with an error, never an exception."""

    def __init__(self, gateways: Mapping[str, Gateway]) -> None:
        self._gateways = gateways
        self._log = log.get("record")

    def read(self, notification: Notification, source: Source) -> Reading:
        """What it says."""
        gateway = self._gateways.get(source.gateway)
        if gateway is None:
            reason = f"its source is gone, or this program knows no gateway {source.gateway!r}"
            return Reading(notification=notification, source=source, parsed=Parsed(), error=reason)
        try:
            parsed = check_facts(gateway.parse(notification, source))
            return Reading(notification=notification, source=source, parsed=parsed)
        except (MalformedPayload, AmountError) as error:
            return Reading(notification=notification, source=source, parsed=Parsed(), error=str(error))
        except Exception as error:  # noqa: BLE001 - a fault of one gateway's module must not stop the others
            self._log.error("notification.unreadable", id=notification.id, gateway=source.gateway, exc_info=error)
            reason = f"a fault in the gateway's module ({type(error).__name__}): please report it"
            return Reading(notification=notification, source=source, parsed=Parsed(), error=reason)
