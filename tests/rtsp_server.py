"""An RTSP server for the tests: 30 pictures a second, each with its time in it.

    /usr/bin/python3 tests/rtsp_server.py PORT [h264|h265]

Debian's Python runs it, which has GStreamer. 40 blocks hold the milliseconds of time.monotonic(),
which all processes of a machine share, the highest bit first.
"""

import sys
import threading
import time

import gi
import numpy as np

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer

WIDTH = 320
HEIGHT = 200
RATE = 30  # pictures a second
BLOCK = 40  # pixels

AT_ONCE = "tune=zerolatency speed-preset=ultrafast key-int-max=15"
ENCODERS = {
    "h264": f"x264enc {AT_ONCE} ! rtph264pay",
    "h265": f"x265enc {AT_ONCE} option-string=pools=none ! rtph265pay",
}


def picture(milliseconds):
    """The bytes of a grey picture: white blocks for the ones."""
    bits = [milliseconds >> shift & 1 for shift in range(39, -1, -1)]
    blocks = 255 * np.array(bits, np.uint8).reshape(5, 8)
    one = np.ones((BLOCK, BLOCK), np.uint8)
    return np.kron(blocks, one).tobytes()  # (HEIGHT, WIDTH)


def push(source):
    """Pictures into the pipeline, until it ends."""
    due = time.monotonic()
    while True:
        milliseconds = int(time.monotonic() * 1e3)
        buffer = Gst.Buffer.new_wrapped(picture(milliseconds))
        if source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
            return
        due += 1 / RATE
        time.sleep(max(0, due - time.monotonic()))


def start_pushing(_, media):
    source = media.get_element().get_by_name("source")
    threading.Thread(target=push, args=(source,), daemon=True).start()


def pipeline(codec):
    """Grey pictures that are pushed in, as packets of RTP."""
    caps = f"video/x-raw,format=GRAY8,width={WIDTH},height={HEIGHT},framerate={RATE}/1"
    source = f"appsrc name=source is-live=true do-timestamp=true format=time caps={caps}"
    packets = f"{ENCODERS[codec]} name=pay0 config-interval=1"
    return f"( {source} ! videoconvert ! video/x-raw,format=I420 ! {packets} )"


def main():
    codec = "h264"
    if len(sys.argv) > 2:
        codec = sys.argv[2]

    Gst.init(None)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(pipeline(codec))
    factory.set_shared(True)
    factory.connect("media-configure", start_pushing)
    server = GstRtspServer.RTSPServer()
    server.set_service(sys.argv[1])
    server.get_mount_points().add_factory("/clock", factory)
    server.attach(None)
    print("ready", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
