"""The picture that all networks here look at: wider than any of their inputs."""

import numpy as np

WIDTH = 400
HEIGHT = 250
CONFIDENCE = 0.3  # from which on a detection counts, here and for the judges


def picture():
    """(250, 400, 3) BGR: noise whose three colours differ, in blocks that resizing keeps."""
    random = np.random.RandomState(7)
    blocks = random.randint(0, 90, (HEIGHT // 10, WIDTH // 10, 3))
    colours = blocks + np.array([20, 80, 160])
    return np.kron(colours, np.ones((10, 10, 1))).astype(np.uint8)
