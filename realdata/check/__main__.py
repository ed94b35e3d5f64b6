"""`python -m realdata.check`."""

import sys

if __name__ == "__main__":
    from realdata.check.program import main

    sys.exit(main())
