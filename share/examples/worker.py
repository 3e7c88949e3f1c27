#!/usr/bin/env python3
"""A worker in Python: tgrun --workers 2 --handler ./worker.py. Loaded once, it handles one update after the other."""
import json
import os
import sys

answers = os.fdopen(3, "w", buffering=1)


def handle(update):
    message = update.get("message") or {}
    print("text:", message.get("text"), flush=True)


print(json.dumps({"ready": True}), file=answers)
for line in sys.stdin:
    job = json.loads(line)
    answer = {"id": job["id"], "ok": True}
    try:
        handle(job["update"])
    except ConnectionError as error:
        answer.update(ok=False, retry=True, error=type(error).__name__)
    except Exception as error:
        answer.update(ok=False, error=repr(error))
    print(json.dumps(answer), file=answers)
