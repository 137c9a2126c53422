"""A catalogue of one's own for the tests, and what a server on loopback answers.

Run as a program it is the kit's command line with its models in the folder that is named first.
"""

import hashlib
import json
import sys
from pathlib import Path

import trt_course.model.find
import trt_course.model.spec
from conftest import RECORD
from trt_course.builder.catalogue import fetching, rows

SOURCE = {
    "conversion": "none",
    "code_license": "MIT",
    "weights_license": "not stated",
    "source": "the tests",
    "tried": "all",
    "untried": "nothing",
}


def use_models(folder):
    """Let the kit take a folder for its models/; a function that gives back what was before."""
    places = [
        (trt_course.model.find, "MODELS", folder),
        (trt_course.model.spec, "MODELS", folder),
        (fetching, "MODELS", folder),
        (rows, "CATALOGUE", folder / "catalogue"),
    ]
    before = [(module, name, getattr(module, name)) for module, name, _ in places]
    for module, name, value in places:
        setattr(module, name, value)
    return lambda: [setattr(*place) for place in before]


def add_row(models, url, data=None, record=RECORD, **source):
    """Write a row for the file `data` at an address; without data nothing is known of the file."""
    fetch = dict(SOURCE, url=url, **source)
    if data is not None:
        fetch.update(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    folder = models / "catalogue"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (record["name"] + ".json")
    path.write_text(json.dumps(dict(record, fetch=fetch)))
    return rows.read_row(path)


def ok(data, kind="application/octet-stream", length=None):
    """A server's answer with a file."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\n"
    if length is not None:
        head += f"Content-Length: {length}\r\n"
    return [head.encode() + b"\r\n", data]


def left(models):
    """What is in a models folder besides the catalogue, hidden things too."""
    return sorted(path.name for path in Path(str(models)).iterdir() if path.name != "catalogue")


if __name__ == "__main__":
    from trt_course.__main__ import main

    use_models(Path(sys.argv[1]))
    sys.exit(main(sys.argv[2:]))
