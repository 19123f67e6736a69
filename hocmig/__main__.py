"""`python -m hocmig`: the command line without the installed script."""

from hocmig.cli import main

if __name__ == "__main__":
    main()
