from tests.acceptance.shared.plain import plain

SCHEMES = {"wise-rsa": lambda vector: plain("wise", vector, secrets=(vector["secret"]["public_key_pem"],))}
