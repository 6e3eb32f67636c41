"""``info``: what a file is."""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

from .arguments import add_verb
from .console import Console
from .streams import fact_lines, is_model, put


def info(options: argparse.Namespace, console: Console) -> None:
    """What a file is and where it came from."""
    from .. import storage
    from ..words.lexicon import Lexicon
    from ..words.runs import Run, is_run

    facts: dict[str, Any]
    for path in options.files:
        if is_model(path):
            facts = storage.peek(path)
            facts |= facts.pop("header")
        elif is_run(path):
            with Run(path) as run:
                facts = run.check().facts()
        else:
            lexicon = Lexicon.load(path)
            facts = {"kind": "lexicon", "words": len(lexicon), "total": lexicon.total, **lexicon.provenance}
        facts = {"file": path, "bytes": os.path.getsize(path), **facts}
        if options.json:
            put(json.dumps(facts, ensure_ascii=False) + "\n")
        else:
            put(fact_lines(facts))


def add(verbs: Any) -> None:
    """Add ``info``."""
    verb = add_verb(verbs, "info", info, "what a file is and where it came from")
    verb.add_argument("files", nargs="+", metavar="FILE", help="a model, a run file or a lexicon")
    verb.add_argument("--json", action="store_true", help="one JSON object a file")
