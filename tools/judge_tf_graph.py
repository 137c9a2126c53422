"""What TensorFlow itself finds with a frozen graph: the numbers that the kit's own are held to.

    python -m venv /tmp/judge && /tmp/judge/bin/pip install tensorflow-cpu opencv-python-headless
    /tmp/judge/bin/python tools/judge_tf_graph.py GRAPH.pb --out EXPECTED.json PHOTO...

It runs in an environment of its own, with nothing of the kit's. Each picture is resized by OpenCV
before the graph, as the kit does, so that only the networks are compared. The boxes are in the
photograph's pixels, x1 y1 x2 y2, with a score and a class: all of at least the given confidence,
after the graph's own suppression.
"""

import argparse
import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf

TENSORS = ["detection_boxes:0", "detection_scores:0", "detection_classes:0"]
DIGITS = 5


def main():
    """Write what the graph finds in each photograph."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("graph", type=Path)
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--side", type=int, default=300, help="of the network's input")
    parser.add_argument("--conf", type=float, default=0.3)
    args = parser.parse_args()

    data = args.graph.read_bytes()
    pictures = {}
    with open_session(data) as session:
        for path in args.photos:
            image = cv2.imread(str(path))
            pictures[path.name] = find(session, image, side=args.side, conf=args.conf)
    expected = {
        "made_with": f"TensorFlow {tf.__version__}",
        "graph_sha256": hashlib.sha256(data).hexdigest(),
        "conf": args.conf,
        "pictures": pictures,
    }
    args.out.write_text(json.dumps(expected, indent=1) + "\n")


def open_session(data):
    """A session of TensorFlow 1 with this graph, on one thread."""
    definition = tf.compat.v1.GraphDef()
    definition.ParseFromString(data)
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(definition, name="")
    config = tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=1, inter_op_parallelism_threads=1
    )
    return tf.compat.v1.Session(graph=graph, config=config)


def find(session, image, side, conf):
    """The rows [x1, y1, x2, y2, score, class] that the graph finds in a BGR picture."""
    height, width = image.shape[:2]
    pixels = cv2.cvtColor(cv2.resize(image, (side, side)), cv2.COLOR_BGR2RGB)
    found = session.run(TENSORS, {"image_tensor:0": pixels[None]})
    boxes, scores, classes = [array[0] for array in found]
    boxes = boxes[:, [1, 0, 3, 2]] * [width, height, width, height]  # (n, 4)
    rows = np.column_stack([boxes, scores, classes])[scores >= conf]
    return rows.round(DIGITS).tolist()


if __name__ == "__main__":
    main()
