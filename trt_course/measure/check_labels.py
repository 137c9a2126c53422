"""Whether what is found has the names that the ground truth gives it."""

from typing import List, Sequence

from ..detections import Detections
from ..model.spec import ModelSpec
from .boxes import Truth
from .check_parts import Finding
from .confusion import confusion_matrix
from .evaluate import as_found

_FEW = 3  # objects: of fewer nothing can be said


def label_findings(
    spec: ModelSpec, found: Sequence[Detections], truths: Sequence[Truth]
) -> List[Finding]:
    """Classes whose objects are found, but under another name."""
    names = sorted({name for truth in truths for name in truth.labels})
    known = [name for name in names if name in spec.labels]
    if not known:
        some = ", ".join(names[:5])
        return [Finding("labels", ("labels",), f"None of the truth's classes is a label: {some}.")]

    labels = [spec.labels[cls] for cls in spec.class_ids()]
    matrix = confusion_matrix(
        truths={str(i): truth for i, truth in enumerate(truths)},
        founds={str(i): as_found(boxes, spec.labels) for i, boxes in enumerate(found)},
        labels=labels,
        conf_th=spec.conf_threshold,
    )
    findings = []
    for name in known:
        said = matrix[labels.index(name), :-1]
        other = int(said.argmax())
        if said[other] >= _FEW and said[other] > said.sum() / 2 and labels[other] != name:
            findings.append(
                Finding(
                    "labels",
                    ("labels",),
                    f"Of {said.sum()} objects that are {name} and were found, {said[other]} are "
                    f"called {labels[other]}: the labels are in another order, or begin elsewhere.",
                )
            )
    return findings
