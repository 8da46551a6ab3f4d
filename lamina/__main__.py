"""``python -m lamina``: the command line."""

from lamina.app.cli import main

main()
