from paybell.model.fact import Kind
from tests.acceptance.shared.plain import Case, Vector, plain


def case(vector: Vector) -> Case:
    """Judged when it was signed: the first item of the header."""
    signed_at = vector["headers"]["Moneyhash-Signature"].partition(",")[0].removeprefix("t=")
    return plain("moneyhash", {**vector, "now": int(signed_at)})


SCHEMES = {"moneyhash-v3": case}
PROMISES = {
    "moneyhash__lago_transaction.purchase.successful": Kind.CAPTURED,
    "moneyhash__lago_transaction.purchase.failed": Kind.FAILED,
    "moneyhash__lago_transaction.purchase.pending_authentication": Kind.REQUIRES_ACTION,
    "moneyhash__lago_intent.processed": Kind.CAPTURED,
    "moneyhash__lago_intent.time_expired": Kind.EXPIRED,
}
