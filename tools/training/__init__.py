"""How the two shipped SSD models are trained, from rendered scenes to the exported file.

The parts: networks, priors, matching and losses, the feed of images, evaluation, and export. All
of it needs PyTorch and serves tools/train_ssd.py alone; the course package never imports it.
"""
