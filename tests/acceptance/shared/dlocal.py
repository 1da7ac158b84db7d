from datetime import datetime

from msgspec.structs import replace

from paybell.model.fact import Kind
from tests.acceptance.shared.plain import Case, Vector, plain


def case(vector: Vector) -> Case:
    """The signed time is a date in a header."""
    secret = vector["secret"]
    made = plain("dlocal", vector, secrets=(secret["secret_key"],), xLogin=secret["x_login"])
    signed_at = datetime.fromisoformat(vector["headers"]["X-Date"])
    return replace(made, now_ms=int(signed_at.timestamp() * 1000))


SCHEMES = {"dlocal": case}
PROMISES = {"dlocal__payment_PAID": Kind.CAPTURED}
