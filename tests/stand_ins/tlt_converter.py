#!/usr/bin/env python3
"""A stand-in for NVIDIA's tlt-converter and tao-converter.

It checks its arguments and replays texts of real failures. Its "etlt" is JSON: key, dims, outputs,
dynamic. Its "engine" is JSON too: the arguments, but for the key. STAND_IN says what happens
instead: a name in REPLAYS; echo, wait, empty, nothing or late; or tlt2, a converter that knows
no -p. It says nothing about TensorRT: which arguments NVIDIA's programs take is known from their
documentation alone.
"""

import getopt
import json
import os
import re
import resource
import signal
import sys
import time

LETTERS = "k:d:o:e:c:b:m:t:w:i:p:u:s"
LETTERS_OF_TLT2 = LETTERS.replace("p:", "")
DIES = {"abort": signal.SIGABRT, "segfault": signal.SIGSEGV, "kill": signal.SIGKILL}

KEY = "[ERROR] Failed to parse the model, please check the encoding key to make sure it's correct\n"
SEGFAULT = "[ERROR] Network must have at least one output\n[ERROR] Unable to create engine"
LOADER = (
    "tlt-converter: error while loading shared libraries: {}: cannot open shared object file: "
    "No such file or directory"
)

# What users saw, and how it ended; most from public forum threads. The stoi abort, bad_alloc,
# libcudnn and the last two were not found there.
REPLAYS = {
    "plugin_trt7": (
        "[ERROR] UffParser: Validator error: FirstDimTile_2: "
        "Unsupported operation _BatchTilePlugin_TRT\n" + KEY + SEGFAULT,
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
        "./tlt-converter: symbol lookup error: ./tlt-converter: "
        "undefined symbol: initLibNvInferPlugins",
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
        "[ERROR] 10: [optimizer.cpp::computeCosts::3712] Error Code 10: Internal Error (Could not "
        "find any implementation for node {ForeignNode[853...Softmax_136]}.)",
        "segfault",
    ),
    "unknown": ("[ERROR] the moon is in the wrong house\n\n[ERROR] Unable to create engine", 3),
    "silent": ("", 4),
}

# The form of each argument that has one.
FORMS = {
    "d": r"\d+,\d+,\d+",
    "m": r"[1-9]\d*",
    "t": "fp32|fp16|int8",
    "i": "nchw|nhwc|nc",
    "b": r"[1-9]\d*",
    "u": r"\d",
    "w": r"\d+",
    "p": r"[^,]+(,\d+x\d+x\d+x\d+){3}",
}


def end(text, how):
    """The last words, and the end: a status, or a signal's name in DIES."""
    if text:
        print(text, file=sys.stderr, flush=True)
    if how in DIES:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.kill(os.getpid(), DIES[how])
    sys.exit(how)


def refuse(text):
    """The end where the stand-in itself was used wrongly."""
    end("stand-in: " + text, 2)


def parse(letters):
    """The arguments by their letters, and the .etlt file."""
    try:
        pairs, rest = getopt.getopt(sys.argv[1:], letters)
    except getopt.GetoptError as err:
        end(f"{sys.argv[0]}: invalid option -- '{err.opt}'", 1)
    given = {flag[1:]: value for flag, value in pairs}
    once = len(given) == len(pairs)
    complete = set("kdoe") <= set(given)
    if not once or not complete or len(rest) != 1:
        refuse(
            "each argument once, -k -d -o -e always, and one .etlt at the end; "
            f"found {sorted(given)} and {rest}"
        )
    return given, rest[0]


def check(given):
    """Refuse arguments that NVIDIA's program would not take."""
    for flag, form in FORMS.items():
        if flag in given and not re.fullmatch(form, given[flag]):
            refuse(f"-{flag} cannot be {given[flag]}")
    if "w" in given and int(given["w"]) < 1 << 20:
        refuse(f"-w counts bytes; {given['w']} is less than a MiB")
    check_calibration(given)
    if "p" in given:
        check_profile(given["p"])
    if os.path.getsize(given["e"]) != 0:
        refuse(f"-e {given['e']} is a file with something in it")


def check_calibration(given):
    calibrated = "c" in given or "b" in given
    missing = "c" in given and not os.path.isfile(given["c"])
    if missing or (calibrated and given["t"] != "int8"):
        refuse(f"-c and -b belong to int8, and the cache must exist; found {given}")


def check_profile(profile):
    texts = profile.split(",")[1:]
    shapes = [tuple(int(side) for side in text.split("x")) for text in texts]
    same_pictures = all(shape[1:] == shapes[0][1:] for shape in shapes)
    if shapes != sorted(shapes) or not same_pictures:
        refuse(f"-p must grow in the batch alone; found {profile}")


def convert(given, etlt):
    """The text of the engine."""
    with open(etlt) as stream:
        model = json.load(stream)
    if given["k"] != model["key"]:
        end(*REPLAYS["wrong_key"])
    outputs = set(given["o"].split(","))
    known = outputs <= set(model["outputs"])
    if given["d"] != model["dims"] or not known:
        refuse(f"-d {given['d']} and -o {given['o']} do not fit the model: {model}")
    if model["dynamic"] and "p" not in given:
        end(*REPLAYS["dynamic"])
    return json.dumps({flag: value for flag, value in given.items() if flag != "k"})


def write(path, text):
    with open(path, "w") as stream:
        stream.write(text)


def wait_for_gate():
    """Stay until the file STAND_IN_GATE is there."""
    print(f"[INFO] Building, process {os.getpid()}", flush=True)
    limit = time.monotonic() + 120
    while not os.path.exists(os.environ["STAND_IN_GATE"]):
        if time.monotonic() > limit:
            refuse("nobody opened the gate")
        time.sleep(0.02)


def main():
    what = os.environ.get("STAND_IN", "")
    letters = LETTERS_OF_TLT2 if what == "tlt2" else LETTERS
    given, etlt = parse(letters)
    check(given)
    print("[INFO] Reading the model", flush=True)
    if what == "echo":
        arguments = " ".join(sys.argv)
        end(f"[ERROR] arguments: {arguments}\nkey={given['k']}", 1)
    if what in REPLAYS:
        end(*REPLAYS[what])

    engine = convert(given, etlt)
    if what == "wait":
        write(given["e"], engine[:10])  # half an engine
        wait_for_gate()
    if what == "nothing":
        os.unlink(given["e"])
    elif what != "empty":
        write(given["e"], engine)
    if what == "late":
        end("[ERROR] cannot go on", 1)
    print("[INFO] Done", flush=True)


main()
