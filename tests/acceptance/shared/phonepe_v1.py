from tests.acceptance.shared.plain import Case, Vector, plain


def case(vector: Vector) -> Case:
    secret = vector["secret"]
    return plain("phonepe_v1", vector, secrets=(secret["salt_key"],), saltIndex=secret["salt_index"])


SCHEMES = {"phonepe-v1-xverify": case}
