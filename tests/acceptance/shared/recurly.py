from tests.acceptance.shared.plain import Case, Vector, plain


def case(vector: Vector) -> Case:
    """Upstream verifies one of them with any age; here it is judged at the time it was signed."""
    return plain("recurly", vector)


SCHEMES = {"recurly": case}
