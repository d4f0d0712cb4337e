"""python -m aias_services.linode_simulator"""

import argparse
import sys
from pathlib import Path

from aias_core.errors import AiasError
from aias_services.linode_simulator.server import Options, serve


def read_options() -> Options:
    """The options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m aias_services.linode_simulator", description="A fake Linode API")
    parser.add_argument("--port", type=int, default=0, help="where to listen; 0 takes a free port and prints it")
    parser.add_argument("--state", type=Path, help="a file to keep everything in; without one nothing is kept")
    parser.add_argument("--token", default="simulated-token", help="a token of every scope, known from the start")
    parser.add_argument("--pace", type=float, help="multiplies every duration: 1 as in life, 0 at once")
    return Options(**vars(parser.parse_args()))


try:
    serve(read_options())
except AiasError as error:
    sys.stderr.write(f"Error: {error.message}\n")
    sys.exit(error.exit_code)
