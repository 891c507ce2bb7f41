"""Sampled propagation: color samples, their data term, the solve, and live sessions."""

TITLE = "Sampled propagation"
REFINED_TITLE = "Refined propagation"
