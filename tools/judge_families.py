"""Ask the authors' own code what it finds in the outputs of the networks in tests/foreign.

    python tools/judge_families.py SOURCES [FAMILY ...]

It writes tests/foreign/expected, with which the tests compare the kit; it has run once, and runs
again only for a new family. It needs an environment of its own and clones of what it runs:

    pip install torch torchvision transformers opencv-python-headless onnx onnxruntime
    git clone https://github.com/Megvii-BaseDetection/YOLOX SOURCES/YOLOX
    (likewise opencv/opencv_zoo, RangiLyu/nanodet, hollance/BlazeFace-PyTorch,
    NVIDIA/DeepLearningExamples and Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB)

Pictures are prepared here by what the authors published, not by the kit's records.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Callable, Dict, NamedTuple, Sequence

import numpy as np
import onnxruntime

KIT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(KIT / "tests"))

from foreign.nets import NETS
from foreign.onnx_file import Net, write_net
from foreign.picture import CONFIDENCE, picture
from judges import authors, libraries, restated
from judges.recipes import RECIPES, resized, tensor, to_picture
from judges.verdict import Verdict

EXPECTED = KIT / "tests/foreign/expected"


class Case(NamedTuple):
    """One network, and what it gave for the picture."""

    network: Path
    outputs: Dict[str, np.ndarray]
    pixels: np.ndarray  # (h, w, 3) BGR, the picture in the size of the input
    clones: authors.Clones


Judge = Callable[[Case], Verdict]

JUDGES: Dict[str, Judge] = {
    "torchvision_ssd300": lambda c: libraries.torchvision_ssd(c.outputs, 300, CONFIDENCE),
    "torchvision_ssdlite320": lambda c: libraries.torchvision_ssd(c.outputs, 320, CONFIDENCE),
    "torchvision_ssdlite320_heads": lambda c: libraries.torchvision_heads(
        c.outputs, 320, CONFIDENCE
    ),
    "tf1_ssd_mobilenet": lambda c: restated.tf1_ssd(c.outputs, CONFIDENCE),
    "tf1_ssd_heads": lambda c: restated.tf1_ssd_heads(c.outputs, CONFIDENCE),
    "nvidia_ssd300": lambda c: authors.nvidia_ssd(c.outputs, c.clones, CONFIDENCE),
    "zoo_ssd_mobilenet_v1": lambda c: restated.zoo_ssd(c.outputs, CONFIDENCE),
    "yolox_nano": lambda c: authors.yolox(c.outputs, c.clones, CONFIDENCE),
    "yolov5": lambda c: restated.yolov5(c.outputs, CONFIDENCE),
    "yolov8": lambda c: restated.yolov8(c.outputs, CONFIDENCE),
    "yolov10": lambda c: restated.yolov10(c.outputs, CONFIDENCE),
    "grey_half": lambda c: restated.yolov8(c.outputs, CONFIDENCE),
    "nanodet": lambda c: authors.nanodet(c.outputs, c.clones, CONFIDENCE, c.network),
    "nanodet_plus": lambda c: authors.nanodet_plus(c.outputs, c.clones, CONFIDENCE),
    "rtmdet": lambda c: restated.rtmdet(c.outputs, CONFIDENCE),
    "yunet": lambda c: libraries.yunet(c.network, c.pixels, CONFIDENCE),
    "scrfd": lambda c: restated.scrfd(c.outputs, CONFIDENCE),
    "blazeface": lambda c: authors.blazeface(c.outputs, c.clones, CONFIDENCE),
    "ultraface": lambda c: authors.ultraface(c.outputs, c.clones, CONFIDENCE),
    "ultraface_raw": lambda c: authors.ultraface_raw(c.outputs, c.clones, CONFIDENCE),
    "dfine": lambda c: restated.dfine(c.outputs, CONFIDENCE),
    "rtdetr": lambda c: libraries.transformer(c.outputs, "RTDetrImageProcessor", CONFIDENCE),
    "detr": lambda c: libraries.transformer(c.outputs, "DetrImageProcessor", CONFIDENCE),
    "ppyoloe": lambda c: restated.ppyoloe(c.outputs, CONFIDENCE),
}

# What the authors put into the second input for boxes in pixels of the network's input.
SIZES = {"dfine": np.int64([[640, 640]]), "ppyoloe": np.float32([[1, 1]])}


def run(name: str, net: Net, network: Path) -> Dict[str, np.ndarray]:
    """What the network gives for the picture, prepared as the authors do."""
    session = onnxruntime.InferenceSession(str(network), providers=["CPUExecutionProvider"])
    inputs = {net.input.name: tensor(RECIPES[name], picture())}
    for size in net.size:
        inputs[size.name] = SIZES[name]
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs)))


def class_names(name: str, clones: authors.Clones) -> Sequence[str]:
    """The names of the classes as others have them."""
    if name in ("yunet", "scrfd", "blazeface"):
        return ["face"]
    if name in ("ultraface", "ultraface_raw"):
        return ["background", "face"]
    coco80 = clones.module("YOLOX", "yolox/data/datasets/coco_classes.py").COCO_CLASSES
    if name == "nvidia_ssd300":
        return ["background", *coco80]
    if name in libraries.COCO_IDS:
        return libraries.COCO_NAMES
    return coco80


def judged(name: str, folder: Path, clones: authors.Clones) -> dict:
    """The record of what a family's judge found."""
    network = folder / f"{name}.onnx"
    net = NETS[name]()
    write_net(net, network)
    outputs = run(name, net, network)
    recipe = RECIPES[name]
    verdict = JUDGES[name](Case(network, outputs, resized(recipe, picture()), clones))

    boxes = to_picture(recipe, verdict.boxes, picture())
    order = np.argsort(-verdict.scores, kind="stable")
    names = class_names(name, clones)
    found = [
        {
            "class": int(verdict.classes[i]),
            "name": names[int(verdict.classes[i])],
            "score": round(float(verdict.scores[i]), 5),
            "box": [round(float(side), 2) for side in boxes[i]],
        }
        for i in order
    ]
    return {"source": verdict.source, "versions": libraries.versions(), "found": found}


def as_text(record: dict) -> str:
    """JSON with a line for each detection."""
    rows = ",\n".join("  " + json.dumps(row) for row in record["found"])
    head = {"source": record["source"], "versions": record["versions"]}
    lines = [f' "{key}": {json.dumps(value)},' for key, value in head.items()]
    return "{\n" + "\n".join(lines) + '\n "found": [\n' + rows + "\n ]\n}\n"


def judged_priors(clones: authors.Clones) -> Dict[str, dict]:
    """The priors of each family that starts from them: how many, some of them, and their sum."""
    tables = {
        "torchvision_ssd300": libraries.torchvision_priors(300),
        "torchvision_ssdlite320": libraries.torchvision_priors(320),
        "tf1_ssd_mobilenet": restated.tf1_anchors()[:, [1, 0, 3, 2]],
        "tf1_ssd_heads": restated.tf1_anchors()[:, [1, 0, 3, 2]],
        "nvidia_ssd300": authors.nvidia_priors(clones).numpy(),
        "blazeface": np.array(authors.blazeface_anchors(clones)),
        "ultraface_raw": authors.ultraface_priors(clones).numpy(),
    }
    return {
        name: {
            "count": len(table),
            "sum": [round(float(number), 3) for number in table.astype(float).sum(axis=0)],
            "every_97th": [[round(float(side), 6) for side in row] for row in table[::97]],
        }
        for name, table in tables.items()
    }


def main() -> int:
    """Judge the families that are named, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sources", type=Path, help="the folder with the clones")
    parser.add_argument("families", nargs="*", help="all, if none is named")
    args = parser.parse_args()

    EXPECTED.mkdir(exist_ok=True)
    clones = authors.Clones(args.sources)
    priors = [f' "{name}": {json.dumps(value)}' for name, value in judged_priors(clones).items()]
    (EXPECTED / "priors.json").write_text("{\n" + ",\n".join(priors) + "\n}\n")
    with tempfile.TemporaryDirectory() as folder:
        for name in args.families or NETS:
            record = judged(name, Path(folder), clones)
            (EXPECTED / f"{name}.json").write_text(as_text(record))
            print(f"{name}: {len(record['found'])} found; {record['source']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
