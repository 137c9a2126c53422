"""An RTSP server for the tests, run by Debian's /usr/bin/python3: 30 pictures a second, each with its time in it.

    rtsp_server.py PORT [h264|h265]

40 blocks hold the milliseconds of time.monotonic(), which all processes of a machine share, the highest bit first.
"""

import sys
import threading
import time

import gi
import numpy as np

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer

WIDTH, HEIGHT, RATE, BLOCK = 320, 200, 30, 40
ENCODERS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! rtph264pay",
    "h265": "x265enc tune=zerolatency speed-preset=ultrafast key-int-max=15 option-string=pools=none "
    "! rtph265pay",
}


def picture(milliseconds):
    bits = [255 * (milliseconds >> shift & 1) for shift in range(39, -1, -1)]
    return np.kron(
        np.array(bits, np.uint8).reshape(5, 8), np.ones((BLOCK, BLOCK), np.uint8)
    ).tobytes()


def push(source):
    due = time.monotonic()
    while True:
        buffer = Gst.Buffer.new_wrapped(picture(int(time.monotonic() * 1e3)))
        if source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
            return
        due += 1 / RATE
        time.sleep(max(0, due - time.monotonic()))


def configured(_, media):
    source = media.get_element().get_by_name("source")
    threading.Thread(target=push, args=(source,), daemon=True).start()


def main():
    Gst.init(None)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(
        "( appsrc name=source is-live=true do-timestamp=true format=time caps=video/x-raw,format=GRAY8,width={},"
        "height={},framerate={}/1 ! videoconvert ! video/x-raw,format=I420 ! {} name=pay0 config-interval=1 )".format(
            WIDTH, HEIGHT, RATE, ENCODERS[sys.argv[2] if len(sys.argv) > 2 else "h264"]
        )
    )
    factory.set_shared(True)
    factory.connect("media-configure", configured)
    server = GstRtspServer.RTSPServer()
    server.set_service(sys.argv[1])
    server.get_mount_points().add_factory("/clock", factory)
    server.attach(None)
    print("ready", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
