"""`python -m matting_nodes` is the command line."""

from .hosts.cli import main

raise SystemExit(main())
