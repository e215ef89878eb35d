"""What can be wrong with YAML itself, before anybody asks what it means."""

from __future__ import annotations

from publisher.diagnostics import Severity, define

SYNTAX = define("yaml-syntax", Severity.ERROR, fixed=True)
DUPLICATE_KEY = define("yaml-duplicate-key", Severity.ERROR, fixed=True)
TOO_DEEP = define("yaml-too-deep", Severity.ERROR, fixed=True)
ALIAS = define("yaml-alias", Severity.ERROR, fixed=True)
TAG = define("yaml-tag", Severity.ERROR, fixed=True)
SEVERAL_DOCUMENTS = define("yaml-several-documents", Severity.ERROR, fixed=True)
COMPLEX_KEY = define("yaml-complex-key", Severity.ERROR, fixed=True)
CUT_AT_HASH = define("text-cut-at-hash", Severity.ERROR)
