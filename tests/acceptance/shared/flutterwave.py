from tests.acceptance.shared.plain import Case, Vector, plain


def static_token(vector: Vector) -> Case:
    """One scheme of two gateways: a word in a header that both sides know."""
    return plain(vector["provider"], vector)


SCHEMES = {"static-token": static_token}
