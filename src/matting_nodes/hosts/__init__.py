"""The hosts: each renders the nodes for one place where people work."""
