"""Static files in production: named by their content and cached for ever, the modules of JavaScript too."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage

OWN_MODULES = "cases/*.js"
# Django's own switch for this would read the modules of other packages too: one of them imports by a bare name.
IMPORTS = (
    (r"""(?P<matched>from\s*"(?P<url>\.{1,2}/[^"]+)")""", 'from "%(url)s"'),
    (r"""(?P<matched>import\s*"(?P<url>\.{1,2}/[^"]+)")""", 'import "%(url)s"'),
    (r"""(?P<matched>import\("(?P<url>\.{1,2}/[^"]+)"\))""", 'import("%(url)s")'),
)


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """An `import "./x.js"` is written with the hash of x.js, else browsers would keep that module only shortly."""

    patterns = (*CompressedManifestStaticFilesStorage.patterns, (OWN_MODULES, IMPORTS))
