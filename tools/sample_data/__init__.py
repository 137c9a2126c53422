"""The parts of tools/make_data.py: ground truth as text, the clip, and comparing two makings."""
