#!/usr/bin/env python3
"""A stand-in for NVIDIA's tlt-converter and tao-converter: checks its arguments, replays texts of real failures.

Its "etlt" is JSON: key, dims, outputs, dynamic. Its "engine" is JSON too: the arguments, but for the key. STAND_IN says
what happens instead: a name in REPLAYS; echo, wait, empty, nothing or late; or tlt2, a converter that knows no -p.
It says nothing about TensorRT: which arguments NVIDIA's programs take is known from their documentation alone.
"""

import getopt
import json
import os
import re
import resource
import signal
import sys
import time

DIES = {"abort": signal.SIGABRT, "segfault": signal.SIGSEGV, "kill": signal.SIGKILL}
KEY = "[ERROR] Failed to parse the model, please check the encoding key to make sure it's correct\n"
SEGFAULT = "[ERROR] Network must have at least one output\n[ERROR] Unable to create engine"
LOADER = (
    "tlt-converter: error while loading shared libraries: {}: cannot open shared object file: No such file or "
    "directory"
)
# What users saw, and how it ended; most from public forum threads. The stoi abort, bad_alloc, libcudnn and the last two
# were not found there.
REPLAYS = {
    "plugin_trt7": (
        "[ERROR] UffParser: Validator error: FirstDimTile_2: Unsupported operation _BatchTilePlugin_TRT\n"
        + KEY
        + SEGFAULT,
        "segfault",
    ),
    "plugin_trt8": (
        "[ERROR] 3: getPluginCreator could not find plugin: BatchTilePlugin_TRT version: 1\n"
        + KEY
        + SEGFAULT,
        "segfault",
    ),
    "wrong_key": (
        "[ERROR] UffParser: Unsupported number of graph 0\n" + KEY + SEGFAULT,
        "segfault",
    ),
    "stoi": (
        "terminate called after throwing an instance of 'std::invalid_argument'\n  what():  stoi",
        "abort",
    ),
    "no_dims": ("Error: no input dimension given", 1),
    "dynamic": ("[ERROR] Model has dynamic shape but no optimization profile specified.", "abort"),
    "libcrypto": (LOADER.format("libcrypto.so.1.1"), 127),
    "libnvinfer": (LOADER.format("libnvinfer.so.5"), 127),
    "libcudnn": (LOADER.format("libcudnn.so.8"), 127),
    "symbol": (
        "./tlt-converter: symbol lookup error: ./tlt-converter: undefined symbol: initLibNvInferPlugins",
        127,
    ),
    "memory": (
        "[ERROR] ../rtSafe/safeRuntime.cpp (25) - Cuda Error in allocate: 2 (out of memory)\n"
        "[ERROR] Unable to create engine",
        "segfault",
    ),
    "bad_alloc": ("terminate called after throwing an instance of 'std::bad_alloc'", "abort"),
    "killed": ("[INFO] Some tactics do not have sufficient workspace memory to run.", "kill"),
    "killed_in_shell": ("", 137),
    "no_kernel": (
        "[ERROR] 10: [optimizer.cpp::computeCosts::3712] Error Code 10: Internal Error (Could not find any "
        "implementation for node {ForeignNode[853...Softmax_136]}.)",
        "segfault",
    ),
    "unknown": ("[ERROR] the moon is in the wrong house\n\n[ERROR] Unable to create engine", 3),
    "silent": ("", 4),
}


def end(text, how):
    if text:
        print(text, file=sys.stderr, flush=True)
    if how in DIES:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.kill(os.getpid(), DIES[how])
    sys.exit(how)


def refuse(text, *values):
    end("stand-in: " + text.format(*values), 2)


def parse(letters):
    try:
        pairs, rest = getopt.getopt(sys.argv[1:], letters)
    except getopt.GetoptError as err:
        end(f"{sys.argv[0]}: invalid option -- '{err.opt}'", 1)
    given = {flag[1:]: value for flag, value in pairs}
    if len(given) < len(pairs) or len(rest) != 1 or not set("kdoe") <= set(given):
        refuse(
            "each argument once, -k -d -o -e always, and one .etlt at the end; found {} and {}",
            sorted(given),
            rest,
        )
    return given, rest[0]


def check(given):
    for flag, form in (
        ("d", r"\d+,\d+,\d+"),
        ("m", r"[1-9]\d*"),
        ("t", "fp32|fp16|int8"),
        ("i", "nchw|nhwc|nc"),
        ("b", r"[1-9]\d*"),
        ("u", r"\d"),
        ("w", r"\d+"),
        ("p", r"[^,]+(,\d+x\d+x\d+x\d+){3}"),
    ):
        if flag in given and not re.fullmatch(form, given[flag]):
            refuse("-{} cannot be {}", flag, given[flag])
    if int(given.get("w", 1 << 30)) < 1 << 20:
        refuse("-w counts bytes; {} is less than a MiB", given["w"])
    if (
        ("c" in given or "b" in given)
        and given["t"] != "int8"
        or not os.path.isfile(given.get("c", __file__))
    ):
        refuse("-c and -b belong to int8, and the cache must exist; found {}", given)
    if "p" in given:
        shapes = [tuple(map(int, shape.split("x"))) for shape in given["p"].split(",")[1:]]
        if shapes != sorted(shapes) or any(shape[1:] != shapes[0][1:] for shape in shapes):
            refuse("-p must grow in the batch alone; found {}", given["p"])


def convert(given, etlt):
    with open(etlt) as stream:
        model = json.load(stream)
    if given["k"] != model["key"]:
        end(*REPLAYS["wrong_key"])
    if given["d"] != model["dims"] or not set(given["o"].split(",")) <= set(model["outputs"]):
        refuse("-d {} and -o {} do not fit the model: {}", given["d"], given["o"], model)
    if model["dynamic"] and "p" not in given:
        end(*REPLAYS["dynamic"])
    del given["k"]
    return json.dumps(given)


def main():
    what = os.environ.get("STAND_IN", "")
    given, etlt = parse(
        "k:d:o:e:c:b:m:t:w:i:u:s" if what == "tlt2" else "k:d:o:e:c:b:m:t:w:i:p:u:s"
    )
    check(given)
    if os.path.getsize(given["e"]) != 0:
        refuse("-e {} is a file with something in it", given["e"])
    print("[INFO] Reading the model", flush=True)
    if what == "echo":
        end("[ERROR] arguments: {}\nkey={}".format(" ".join(sys.argv), given["k"]), 1)
    if what in REPLAYS:
        end(*REPLAYS[what])
    engine = convert(given, etlt)
    if what == "wait":  # half an engine, then until the gate opens
        with open(given["e"], "w") as stream:
            stream.write(engine[:10])
        print(f"[INFO] Building, process {os.getpid()}", flush=True)
        limit = time.monotonic() + 20
        while not os.path.exists(os.environ["STAND_IN_GATE"]):
            if time.monotonic() > limit:
                refuse("nobody opened the gate")
            time.sleep(0.02)
    if what == "nothing":
        os.unlink(given["e"])
    elif what != "empty":
        with open(given["e"], "w") as stream:
            stream.write(engine)
    if what == "late":
        end("[ERROR] cannot go on", 1)
    print("[INFO] Done", flush=True)


main()
