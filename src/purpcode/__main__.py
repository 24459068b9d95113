"""`python -m purpcode`."""

from purpcode.cli import main

main()
