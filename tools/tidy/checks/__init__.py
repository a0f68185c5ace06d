"""One check per file. A check is a function `check(tree)` that yields (path, line, message)."""
