"""A plain socket on loopback that answers as no camera does: too much, too slowly, or nonsense.

It sends at most MOST_BYTES a connection and ends with the `with` that it is used in.
"""

import contextlib

from stand_ins.loopback import LoopbackServer

MOST_BYTES = 600 << 20  # a test that finds no bound must not fill the machine


class HostileServer(LoopbackServer):
    """Each connection's request is read, and gets `answer`: an iterable of bytes, or a function.

    A function gets the request, and returns the iterable. `requests` has all of them. With `pause`
    so many seconds pass between two pieces.
    """

    def __init__(self, answer, pause=0.0):
        self.answer = answer
        self.pause = pause
        self.requests = []
        super().__init__()

    @property
    def uri(self):
        return f"http://127.0.0.1:{self.port}"

    def _serve(self, connection):
        left = MOST_BYTES
        with connection, contextlib.suppress(OSError):  # whoever asks may go
            connection.settimeout(20)
            request = connection.recv(1 << 16).decode("latin-1")
            self.requests.append(request)
            answer = self.answer
            if callable(answer):
                answer = answer(request)
            for piece in answer:
                connection.sendall(piece)
                left -= len(piece)
                if left < 0 or self._stopped.wait(self.pause):
                    return
