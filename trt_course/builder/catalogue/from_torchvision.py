"""Writes an SSD of torchvision's as ONNX, from its published weights, without its post-processing.

PyTorch is needed for this alone; the model then runs without it.
"""

from pathlib import Path
from typing import Any

from ...support.errors import CourseError, need

_OPSET = 13
_CLASSES = 91


def export(network: str, weights: Path, target: Path, side: int) -> None:
    """Write the network that torchvision calls by this name, for pictures of side x side.

    Pictures go in as `images`, (n, 3, side, side); `bbox_regression` (n, priors, 4) and
    `cls_logits` (n, priors, 91) come out. The mean and the scale stay in the record.
    """
    torch = need("torch")
    detector = _detector(torch, network, weights)
    with torch.no_grad():
        torch.onnx.export(
            _heads(torch, detector),
            torch.zeros(1, 3, side, side),
            str(target),
            input_names=["images"],
            output_names=["bbox_regression", "cls_logits"],
            dynamic_axes={name: {0: "n"} for name in ("images", "bbox_regression", "cls_logits")},
            opset_version=_OPSET,
            dynamo=False,
        )


def _detector(torch: Any, network: str, weights: Path) -> Any:
    """torchvision's own network with the weights of the file, ready to run."""
    detection = need("torchvision.models.detection")
    detector = getattr(detection, network)(
        weights=None, weights_backbone=None, num_classes=_CLASSES
    )
    try:
        # weights_only: the file is a pickle, which could run anything else.
        state = torch.load(str(weights), map_location="cpu", weights_only=True)
        detector.load_state_dict(state)
    except Exception as err:
        first_line = str(err).partition("\n")[0]
        raise CourseError(f"{weights.name} has no weights of {network}: {first_line}") from err
    return detector.eval()


def _heads(torch: Any, detector: Any) -> Any:
    """The detector from the picture's tensor to its two heads."""

    class Heads(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.backbone = detector.backbone
            self.head = detector.head

        def forward(self, images: Any) -> Any:
            maps = list(self.backbone(images).values())
            found = self.head(maps)
            return found["bbox_regression"], found["cls_logits"]

    return Heads()
