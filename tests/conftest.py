"""Examples of hypothesis: other ones each time at a desk, the same ones where others wait for the answer (``CI``)."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("the same each time", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("the same each time")
