"""The parts of Composite: adjustments of an alpha, backgrounds, print sizes."""
