"""Moving pictures: clips and streams in and out, and mattes that stay the same over time."""
