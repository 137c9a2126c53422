"""Many sources through one engine, as fast as the machine allows.

The parts from the inside out: batches.py (who waits for what), readers.py (frames into batches),
many.py and live.py (the two loops), tables.py (boxes to disk), opening.py (sources), tuning.py
(detectors), run.py (one process), gpus.py (one on each GPU), fast.py (all of `detect --fast`).
"""
