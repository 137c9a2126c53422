"""Networks with the outputs of published detectors, and what their own code makes of them."""
