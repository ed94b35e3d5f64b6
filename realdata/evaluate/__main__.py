"""`python -m realdata.evaluate`."""

import sys

if __name__ == "__main__":
    from realdata.evaluate.program import main

    sys.exit(main())
