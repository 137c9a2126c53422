"""What a model is, without running it: its record, how pictures go in, and how boxes come out.

find -> spec, which fields.py checks and labels.py helps to write
picture -> placement, preprocess -> the network's input
the network's output -> decode -> layouts (priors, candidates, suppression) -> Detections
"""
