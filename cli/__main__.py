"""`python -m cli` from a checkout, `python -m swa_cli` when installed."""

from .main import main

main()
