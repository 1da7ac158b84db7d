from tests.acceptance.shared.plain import Case, Vector, plain


def reverse_hash(vector: Vector) -> Case:
    secret = vector["secret"]
    return plain(vector["provider"], vector, secrets=(secret["salt"],), merchantKey=secret["key"])


SCHEMES = {"payu-india": reverse_hash}
