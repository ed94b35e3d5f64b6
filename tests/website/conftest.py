"""The site's tests need the extra `docs`; without it they are left out."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("mkdocs") and find_spec("jupytext") else ["test_*.py"]
