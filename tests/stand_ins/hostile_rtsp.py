"""An RTSP server on loopback that says all that is polite, and then sends what it likes."""

import contextlib
import struct

from stand_ins.loopback import LoopbackServer

MOST_BYTES = 1200 << 20  # a test that finds no bound must not fill the machine

SDP = """v=0
o=- 0 0 IN IP4 127.0.0.1
s=-
t=0 0
m=video 0 RTP/AVP 96
c=IN IP4 0.0.0.0
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LADdoFB+hAAAADAEAAAA8jxQqo,aM48gA==
a=control:track
"""


def packets(payload, marker=False):
    """Packets of RTP with this payload, without end, as they lie between answers of RTSP."""
    number = 0
    flags = 0x80 if marker else 0
    while True:
        head = struct.pack(">BBHII", 0x80, flags | 96, number & 0xFFFF, 0, 1)
        packet = head + payload
        yield b"$\0" + struct.pack(">H", len(packet)) + packet
        number += 1


# of one picture of H.264, that never ends: fragments (type 28) from the middle of a slice (type 1)
ENDLESS_PICTURE = bytes([0x7C, 0x01]) + b"\x55" * 60000


class HostileRtsp(LoopbackServer):
    """Asked to PLAY, it sends `pieces`; `refuse` is an answer for everything instead."""

    def __init__(self, pieces=(), refuse=""):
        self.pieces = pieces
        self.refuse = refuse
        self.sent = 0
        super().__init__()

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError):  # whoever asks may go
            connection.settimeout(20)
            text = b""
            while not text.startswith(b"PLAY"):
                text = connection.recv(1 << 16)
                if not text:
                    return
                connection.sendall(self._answer(text.decode("latin-1")).encode())
            for piece in self.pieces:
                connection.sendall(piece)
                self.sent += len(piece)
                if self.sent > MOST_BYTES or self._stopped.is_set():
                    return

    def _answer(self, request):
        lines = request.split("\r\n")
        sequence = next(line for line in lines if line.lower().startswith("cseq"))
        status = self.refuse or "200 OK"
        head = f"RTSP/1.0 {status}\r\n{sequence}\r\n"
        method = lines[0].split(" ")[0]
        if self.refuse:
            return head + "\r\n"
        if method == "OPTIONS":
            return head + "Public: DESCRIBE, SETUP, PLAY, TEARDOWN\r\n\r\n"
        if method == "DESCRIBE":
            sdp = SDP.replace("\n", "\r\n")
            return (
                head + f"Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}"
            )
        if method == "SETUP":
            transport = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
            return head + transport + "Session: 1\r\n\r\n"
        return head + "Session: 1\r\n\r\n"
