"""python -m aias_cli"""

from aias_cli.main import main

main()
