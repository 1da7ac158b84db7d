from tests.acceptance.shared.payu_india import reverse_hash

SCHEMES = {"easebuzz": reverse_hash}
