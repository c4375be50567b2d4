"""A language is one file: with `fr.json` next to the others the app speaks French."""

import json
import shutil
import urllib.request

from tests.support.app_server import ROOT, WITHOUT_NETWORK, running

FRENCH = {
    "browser": {"edges_tab": "Contours"},
    "server": {"drawing_missing": "Aucun dessin n'est arrivé."},
    "gradio": {"Close": "Fermer"},
}


def test_app_with_third_language_file_speaks_it(tmp_path):
    shutil.copy(ROOT / "app.py", tmp_path)
    for name in ("model", "ui"):
        # With what Python has compiled already, but not what it is compiling now.
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("*.pyc.*"))
    (tmp_path / "ui" / "i18n" / "fr.json").write_text(json.dumps(FRENCH), encoding="utf-8")
    with running(tmp_path / "log.txt", *WITHOUT_NETWORK, folder=tmp_path, PYTHONPATH=str(ROOT)) as app:
        config = json.load(urllib.request.urlopen(f"{app.url}config"))
        translations = config["i18n_translations"]
        assert translations["fr"]["edges_tab"] == "Contours"
        assert translations["fr"]["digit_tab"] == translations["en"]["digit_tab"]
        assert any('"Close": "Fermer"' in (event["js"] or "") for event in config["dependencies"])
        ended, answer = app.call("classify", b'{"data": [null]}', language="fr-CA,fr;q=0.9,en;q=0.5")
        assert (ended, answer["error"]) == ("error", "Aucun dessin n'est arrivé.")
