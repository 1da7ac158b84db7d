from urllib.parse import urlsplit

from msgspec.structs import replace

from tests.acceptance.shared.plain import Case, Vector, plain


def case(vector: Vector) -> Case:
    """The id that is signed stands in the URL's query."""
    made = plain("mercadopago", vector)
    return replace(made, request=replace(made.request, query=urlsplit(vector["url"]).query))


SCHEMES = {"mercadopago": case}
