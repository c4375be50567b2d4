"""The chapter's notebook runs as its source stands, and shows what its text says it shows."""

import re

import pytest

from scripts.make_notebooks import execute, make_notebook


@pytest.mark.slow
def test_notebook_executed_shows_what_it_teaches():
    cells = execute(make_notebook("es")).cells
    printed = "".join(
        output.text for cell in cells for output in cell.get("outputs", []) if output.output_type == "stream"
    )
    for kernel in ("bordes verticales", "bordes horizontales", "todas las direcciones"):
        assert re.search(rf"^{kernel} +100,0", printed, re.MULTILINE)
    assert "Keras no lo gira: True" in printed and "blancos en las dos: 0" in printed
    stops = [int(epoch) for epoch in re.findall(r"paró tras la época (\d+)/25", printed)]
    assert len(stops) == 3 and max(stops) < 25
    learned, measured = (
        [float(share.replace(",", ".")) for share in re.findall(r"([\d,]+)\s%", re.search(line, printed).group())]
        for line in (r"exactitud en las imágenes de entrenamiento:.*", r"exactitud en otras imágenes:.*")
    )
    assert min(learned) > 99 > 97 > max(measured)  # it overfits
    assert "dibujo: parece un dígito" in printed and "ruido: no se parece" in printed
