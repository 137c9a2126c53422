"""The files of one training run: what it goes on from, and what is brought home.

The log and the curve are the journal's (journal.py); record.py makes a shipped model of them.
"""

import json
import os
from typing import Dict, Sequence

import torch

from .recipes import Recipe


class RunFolder:
    """checkpoint.pt, weights.pt and result.json of a run; each is replaced whole."""

    def __init__(self, folder: str, recipe: Recipe, labels: Sequence[str]) -> None:
        os.makedirs(folder, exist_ok=True)
        self.recipe = recipe
        self.labels = labels

        self.checkpoint = os.path.join(folder, "checkpoint.pt")
        self.weights = os.path.join(folder, "weights.pt")
        self.result = os.path.join(folder, "result.json")

    def load_checkpoint(self) -> Dict[str, Dict]:
        """What the last `save_checkpoint` wrote."""
        return torch.load(self.checkpoint, map_location="cpu", weights_only=True)

    def save_checkpoint(self, **parts: Dict) -> None:
        """All that a run needs to go on, by name."""
        self._save(self.checkpoint, **parts)

    def save_weights(
        self, average: Dict[str, torch.Tensor], result: Dict[str, Dict[str, object]]
    ) -> None:
        """The averaged weights alone, small enough to bring home, and what is known of them."""
        self._save(self.weights, result=json.dumps(result), average=average)

    def save_result(self, result: Dict[str, Dict[str, object]]) -> None:
        """The measured figures, to be read without PyTorch."""
        with open(self.result, "w") as file:
            json.dump(result, file, indent=1)

    def _save(self, path: str, **parts: object) -> None:
        saved = {"recipe": self.recipe.name, "labels": list(self.labels), **parts}
        torch.save(saved, path + ".part")
        os.replace(path + ".part", path)
