from tests.acceptance.shared.plain import Case, Vector, plain


def network(vector: Vector) -> Case:
    """The vector's keys stand under their ids, as a source may write them too."""
    return plain("klarna", vector, secrets=tuple(f"{key_id}={key}" for key_id, key in vector["secret"].items()))


SCHEMES = {"klarna-network": network}
