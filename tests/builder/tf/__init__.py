"""Frozen graphs of TensorFlow 1, written and computed here without it."""
