"""Public models: what is known of each (rows), fetching one, and converting what needs it.

models/catalogue/NAME.json is a model's record with one part more, `fetch`: where its file is, how
long it is and its SHA-256, what has to be done to it, and whose it is. `fetch` makes models/NAME of
it.
"""

from .fetching import Fetched, fetch
from .rows import Row, catalogue, find_row

__all__ = ["Fetched", "Row", "catalogue", "fetch", "find_row"]
