"""How the two shipped SSD models are trained: networks, priors, matching, losses, data feed, evaluation, export.

It needs PyTorch and is used by tools/train_ssd.py only. The course package (trt_course) never imports it.
"""
