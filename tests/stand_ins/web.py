"""A web server on loopback that sends pictures, as cameras in a network do."""

import http.server
import threading

import cv2
import numpy as np

MULTIPART = "multipart/x-mixed-replace; boundary=cut"
KINDS = {"/mjpeg": MULTIPART, "/silent": MULTIPART, "/text": "text/html"}
ADA_BYRON = "Basic YWRhOmJ5cm9u"  # user ada, password byron


class Answer(http.server.BaseHTTPRequestHandler):
    """What there is at an address.

    /mjpeg has up to 60 pictures a second, /still has one, /private one for Ada; /text has no
    picture, and /silent says that it has and sends none.
    """

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path == "/private" and self.headers.get("Authorization") != ADA_BYRON:
            self.send_error(401)
            return

        self.send_response(200)
        self.send_header("Content-Type", KINDS.get(self.path, "image/jpeg"))
        self.end_headers()
        if self.path in ("/still", "/private"):
            self.wfile.write(self.server.picture())
        if self.path == "/mjpeg":
            self.send_pictures()
        if self.path == "/silent":
            self.server.stopped.wait(20)

    def send_pictures(self):
        while not self.server.stopped.wait(1 / 60):
            data = self.server.picture()
            head = f"--cut\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            try:
                self.wfile.write(head.encode() + data + b"\r\n")
            except OSError:
                return


class PictureServer(http.server.ThreadingHTTPServer):
    """Serves in a thread, from its making until `stop`."""

    daemon_threads = True

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), Answer)
        self.uri = f"http://127.0.0.1:{self.server_port}"
        self.stopped = threading.Event()
        self.sent = 0
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def picture(self):
        """A JPEG, each a little brighter than the one before."""
        self.sent += 1
        image = np.full((48, 64, 3), self.sent % 200, np.uint8)
        return cv2.imencode(".jpg", image)[1].tobytes()

    def stop(self):
        self.stopped.set()
        self.shutdown()
        self.server_close()
