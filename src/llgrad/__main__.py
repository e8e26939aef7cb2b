"""`python -m llgrad` is the command `llgrad`."""

from llgrad.cli.commands.entry import main

if __name__ == "__main__":
    main()
