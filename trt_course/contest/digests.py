"""The digests in a hand-in: its seal, and one over a set of pictures. All are SHA-256.

A seal shows that the file was changed after the run, not that its maker was honest: anyone can
compute a seal (docs/contest.md).
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Dict, Iterable

from ..support.files import sha256


def seal_of(value: Dict[str, Any]) -> str:
    """The digest of everything in a hand-in but its seal.

    So it ties detections, times and team to each other.

    >>> seal_of({"team": "Ada", "seal": "old"}) == seal_of({"team": "Ada"})
    True
    >>> seal_of({"team": "Bo"}) == seal_of({"team": "Ada"})
    False
    """
    body = {name: part for name, part in value.items() if name != "seal"}
    text = json.dumps(body, sort_keys=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def data_digest(paths: Iterable[Path]) -> str:
    """One digest over the names and the contents of pictures, whatever their order."""
    rows = sorted(f"{path.name} {sha256(path)}\n" for path in paths)
    text = "".join(rows)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
