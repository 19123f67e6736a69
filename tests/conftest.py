"""Settings of all tests: hypothesis judges what is right, never how long a busy machine takes for it."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "hocmig",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    # The same examples on every machine; HYPOTHESIS_PROFILE=explore draws new ones.
    derandomize=True,
)
settings.register_profile(
    "explore", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=1000
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "hocmig"))
