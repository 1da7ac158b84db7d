from tests.acceptance.shared.plain import Case, Vector, plain


def next_gen(vector: Vector) -> Case:
    secret = vector["secret"]
    return plain("mollie_next_gen", vector, secrets=(secret,) if isinstance(secret, str) else tuple(secret))


SCHEMES = {"mollie-nextgen": next_gen}
