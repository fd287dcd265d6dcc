import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # painter, the tests' small engine
