from __future__ import annotations

import json
import re
from pathlib import Path

from tests.project.processes import PRODUCTION, environment, manage


def test_modules_import_each_other_by_hashed_names(tmp_path: Path) -> None:
    env = environment(tmp_path, **PRODUCTION, E2C_STATIC_ROOT=str(tmp_path / "static"))

    done = manage("collectstatic", "--noinput", "--verbosity=0", env=env)

    assert done.returncode == 0, done.stderr
    names = json.loads((tmp_path / "static" / "staticfiles.json").read_text())["paths"]
    composer = (tmp_path / "static" / names["cases/composer/composer.js"]).read_text()
    imported = re.findall(r'from "\./([^"]+)"', composer)
    assert names["cases/composer/editor.js"].rpartition("/")[2] in imported
    assert all(re.search(r"\.[0-9a-f]{12}\.js$", name) for name in imported)
    editor = (tmp_path / "static" / names["cases/composer/editor.js"]).read_text()
    assert re.search(r'from "\.\./\.\./vendor/squire/squire\.[0-9a-f]{12}\.mjs"', editor)
