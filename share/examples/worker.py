#!/usr/bin/env python3
"""A worker in Python: tgrun --workers 2 --handler ./worker.py. Loaded once, it handles one update after the other."""
import json
import os
import sys

answers = os.fdopen(3, "w", buffering=1)


def handle(job):
    """What the bot says; None: nothing. What is printed is only logged. job["update"] is all of the update."""
    text = job.get("text") if job.get("kind") == "message" else None
    print("text:", text, flush=True)
    if job.get("command") == "/start":
        return "Say something."
    return f"You said: {text}" if text else None


print(json.dumps({"ready": True}), file=answers)
for line in sys.stdin:
    job = json.loads(line)
    answer = {"id": job["id"], "ok": True}
    try:
        answer.update(reply=handle(job))
    except ConnectionError as error:
        answer.update(ok=False, retry=True, error=type(error).__name__)
    except Exception as error:
        answer.update(ok=False, error=repr(error))
    print(json.dumps(answer), file=answers)
