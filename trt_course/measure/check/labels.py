"""Whether what is found has the names that the ground truth gives it."""

from typing import List, Sequence

import numpy as np

from ...detections import Detections
from ...model.spec import ModelSpec
from ..boxes import Truth
from ..confusion import confusion_matrix
from ..evaluate import as_found
from .parts import Finding

_FEW = 3  # objects of a class: of fewer nothing can be said
_SEVERAL = 5  # and of all classes together


def label_findings(
    spec: ModelSpec, found: Sequence[Detections], truths: Sequence[Truth]
) -> List[Finding]:
    """Classes whose objects are found, but under another name."""
    names = sorted({name for truth in truths for name in truth.labels})
    labels = [spec.labels[cls] for cls in spec.class_ids()]
    known = [name for name in names if name in labels]
    if names and not known:
        some = ", ".join(names[:5])
        sentence = (
            f"The ground truth names {some}, and none of them is a label of the model: either its "
            "labels are wrong, or these pictures show other things than it knows."
        )
        return [Finding("labels", ("labels",), sentence)]

    matrix = confusion_matrix(
        truths={str(i): truth for i, truth in enumerate(truths)},
        founds={str(i): as_found(boxes, spec.labels) for i, boxes in enumerate(found)},
        labels=labels,
        conf_th=spec.conf_threshold,
    )
    rows = [labels.index(name) for name in known]
    found_by_name = matrix[rows, :-1]  # (known, labels)
    findings = [
        Finding("labels", ("labels",), _exchanged(name, said, labels))
        for name, said in zip(known, found_by_name)
        if _has_another_name(said, labels.index(name))
    ]
    right = int(matrix[rows, rows].sum())
    total = int(found_by_name.sum())
    if not findings and total >= _SEVERAL and right < total / 2:
        sentence = f"Only {right} of {total} objects that were found have the name of the truth."
        findings.append(Finding("labels", ("labels",), sentence))
    return findings


def _has_another_name(said: np.ndarray, own: int) -> bool:
    """Whether most objects of a class are called by one other name; `said` counts each (n,)."""
    other = int(said.argmax())
    return other != own and said[other] >= _FEW and said[other] > said.sum() / 2


def _exchanged(name: str, said: np.ndarray, labels: Sequence[str]) -> str:
    other = int(said.argmax())
    return (
        f"Of {said.sum()} objects that are {name} and were found, {said[other]} are called "
        f"{labels[other]}: the labels are in another order, or begin elsewhere."
    )
