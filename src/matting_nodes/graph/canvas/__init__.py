"""What a canvas needs to show a graph and let it be edited, without a window."""
