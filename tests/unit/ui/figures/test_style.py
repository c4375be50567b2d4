"""What all figures share."""

import subprocess
import sys

from tests.conftest import ROOT


def test_figures_are_imported_without_plotlys_classes():
    """The page's start need not wait for them."""
    modules = [f"ui.figures.{file.stem}" for file in (ROOT / "ui" / "figures").glob("*.py") if file.stem != "__init__"]
    code = f"import sys, {', '.join(modules)}; sys.exit('plotly.basedatatypes' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
