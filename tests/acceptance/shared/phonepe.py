from tests.acceptance.shared.plain import Case, Vector, plain


def case(vector: Vector) -> Case:
    secret = vector["secret"]
    return plain("phonepe", vector, secrets=(f"{secret['username']}:{secret['password']}",))


SCHEMES = {"phonepe-v2-sha256-userpass": case}
