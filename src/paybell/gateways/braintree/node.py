"""An element of Braintree's XML, read by the names of its children."""

from xml.etree.ElementTree import Element

from msgspec import Struct

from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.payloads import details, text, time_to_ms
from paybell.model.money import to_minor


class Notice(Struct, frozen=True):
    """What was sent, and when."""

    kind: str
    at: str


class Node:
    """An element's texts by the names of its children; '' where there is none, or it is nil."""

    def __init__(self, element: Element, notice: Notice) -> None:
        self.element = element
        self.at_ms = time_to_ms(self.text("updated-at") or notice.at, "the notification's time")
        self.started_ms = time_to_ms(self.text("created-at") or notice.at, "the notification's time")

    def text(self, path: str) -> str:
        """The text under a path of names."""
        return (self.element.findtext(path) or "").strip()

    def money(self, *paths: str) -> tuple[int, str]:
        """The first of these amounts that is there; refused where none is."""
        currency = currency_code(self.text("currency-iso-code"))
        return to_minor(next(filter(None, map(self.text, paths)), ""), currency), currency

    def money_or_none(self) -> tuple[int | None, str]:
        """The amount, where it is said with its currency."""
        return self.money("amount") if self.text("currency-iso-code") and self.text("amount") else (None, "")

    def customer(self) -> dict[str, str]:
        """Who pays, as a transaction says."""
        name = f"{self.text('customer/first-name')} {self.text('customer/last-name')}"
        return details(
            customer_id=text(self.text("customer/id")),
            customer_email=text(self.text("customer/email")),
            customer_name=text(name.strip()),
        )

    def custom_fields(self) -> dict[str, object]:
        """The merchant's own fields; names in XML have dashes for underscores."""
        return {it.tag.replace("-", "_"): (it.text or "").strip() for it in self.element.findall("custom-fields/*")}
