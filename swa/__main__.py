"""`python -m swa`: the command line, where its script is not on the PATH."""

from swa_cli.main import main  # type: ignore[import-untyped]  # the command line is no library

main()
