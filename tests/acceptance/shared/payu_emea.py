import re

from tests.acceptance.shared.plain import Case, Vector, plain


def openpayu(vector: Vector) -> Case:
    """The source is told the algorithm that the sender names: the gateway itself does not obey the header."""
    (header,) = vector["headers"].values()
    named = re.search(r"algorithm=([^;]+)", header)
    assert named
    return plain("payu_emea", vector, algorithm=named[1].lower().replace("-", ""))


SCHEMES = {"openpayu": openpayu}
