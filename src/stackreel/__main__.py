"""`python -m stackreel` is `stackreel`."""

import sys

from stackreel.cli import main

if __name__ == "__main__":
    sys.exit(main())
