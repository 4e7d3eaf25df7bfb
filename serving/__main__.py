"""`python -m serving` runs `plumbline`, where the script is not on PATH."""

from serving.commands.main import main

main()
