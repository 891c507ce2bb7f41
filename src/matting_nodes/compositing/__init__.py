"""What Composite is made of: adjustments of an alpha, backgrounds, print sizes."""
