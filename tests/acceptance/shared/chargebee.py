from tests.acceptance.shared.plain import Case, Vector, plain


def case(vector: Vector) -> Case:
    secret = vector["secret"]
    return plain("chargebee", vector, secrets=(f"{secret['username']}:{secret['password']}",))


SCHEMES = {"basic-auth": case}
