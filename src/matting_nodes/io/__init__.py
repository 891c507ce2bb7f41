"""Pictures and stacks in and out of files."""
