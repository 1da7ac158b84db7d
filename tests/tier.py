"""Which tier of tests runs."""

import os
from typing import Final

LONG: Final = os.environ.get("PAYBELL_TEST_TIER") == "long"
"""Whether ``./test --long`` asked for what takes minutes."""
