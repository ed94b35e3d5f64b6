"""Photos checked before they are evaluated.

Nothing is imported here, since the processes that decode photos import this package.
"""
