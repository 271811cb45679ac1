"""The shipped tables: machines, models, published rates. Unknown keys and numbers without a source are refused."""

from __future__ import annotations

from truelimit.tables.fields import TableError
from truelimit.tables.machines import machine, machine_names
from truelimit.tables.models import model, model_names
from truelimit.tables.published import published_rates

__all__ = ["TableError", "machine", "machine_names", "model", "model_names", "published_rates"]
