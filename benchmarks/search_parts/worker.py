"""A peer in its own environment, asked and told by lines of JSON; see `search_parts.remote`, which starts it.

Needs nothing but the peer: no cotune here. What peers print goes to standard error.
"""

import contextlib
import importlib
import json
import logging
import sys
import time
import traceback
import warnings
from typing import Any, TextIO

from search_parts.peers.base import Peer, Subject


def serve(source: TextIO, sink: TextIO) -> None:
    """Answer every line until there are no more."""
    peer: Peer | None = None
    for line in source:
        try:
            asked = json.loads(line)
            since = time.perf_counter()
            with contextlib.redirect_stdout(sys.stderr):
                if "begin" in asked:
                    about = asked["begin"]
                    module = importlib.import_module(f"search_parts.peers.{about.pop('peer')}")
                    peer = module.make(Subject(**about))
                    answer: dict[str, Any] = {"ready": type(peer).__name__}
                elif peer is None:
                    raise ValueError("the first line must be begin")
                elif "start" in asked:
                    answer = {"start": peer.start(asked["start"])}
                else:
                    answer = {"leave": peer.show([tuple(row) for row in asked["show"]])}
            answer["seconds"] = time.perf_counter() - since
        except Exception:  # whatever a peer does is an answer
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=sink, flush=True)


def main() -> None:
    """Serve standard input and output, quietly."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    serve(sys.stdin, sys.stdout)
