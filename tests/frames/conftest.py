import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # raycases and onebyone: what several tests draw, and how
