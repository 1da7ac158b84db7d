from urllib.parse import parse_qsl

from tests.acceptance.shared.plain import Case, Vector, plain


def callback(vector: Vector) -> Case:
    """The 3-D Secure page's callback comes by the buyer's browser and is no webhook: here are the bytes it signs."""
    fields = dict(parse_qsl(vector["body"], keep_blank_values=True))
    names = ("conversationData", "conversationId", "mdStatus", "paymentId", "status")
    signed = ":".join(fields[name] for name in names)
    given = {"x-signature": fields["signature"]}
    return plain("generic", {**vector, "body": signed, "headers": given}, header="x-signature")


SCHEMES = {"iyzico-v3": lambda vector: plain("iyzico", vector), "iyzico-callback": callback}
