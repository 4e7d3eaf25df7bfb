"""`python -m serving` is `plumbline`: for whoever has the packages but not the script on PATH."""

from serving.commands.main import main

main()
