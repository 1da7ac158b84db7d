"""Links: that a gateway's two ids are of one payment.

Whoever tells of one sees to it that an operation has the same ``ref`` under both ids, or it would count twice; and that
what is said of a part, such as a capture that was canceled, does not end the whole.
"""

from paybell.model.alias import LinkType
from paybell.model.fact import Fact, Kind


def link(aggregate: str, alias: str, kind: LinkType, at_ms: int) -> list[Fact]:
    """That ``alias``, an id of that kind, is of the payment ``aggregate``; nothing where either is missing."""
    if not aggregate or not alias:
        return []
    return [Fact(aggregate=aggregate, kind=Kind.LINK, ref=alias, at_ms=at_ms, detail={"type": str(kind)})]
