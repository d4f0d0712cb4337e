"""One module per command, one package per group; the path of a file is the path of its command."""
