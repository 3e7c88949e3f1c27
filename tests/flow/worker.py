#!/usr/bin/env python3
"""A worker for tests: does what an update's text says. What it sees goes to $FLOW_MARK/events, a line by one write(2), fields between tabs:
1, what (got, start, end), update, key, pid, attempt, microseconds, exit status, redelivered, text.
TAKES: updates at once, announced if it is set. ENDS: if it is set, it ends when its input does, whatever it is about."""
import json
import os
import queue
import subprocess
import sys
import threading
import time

home = os.environ["FLOW_MARK"]
events = os.open(home + "/events", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
takes = int(os.environ.get("TAKES", "0"))
jobs = queue.Queue()


def say(what, job, status="-"):
    text = job["update"].get("message", {}).get("text", "")
    fields = [1, what, job["update"]["update_id"], job["key"], os.getpid(), job["attempt"], time.monotonic_ns() // 1000, status,
              int(job["redelivered"]), text]
    os.write(events, ("\t".join(map(str, fields)) + "\n").encode())


def answer(value):
    os.write(3, (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n")


def work(job):
    text = job["update"].get("message", {}).get("text", "").split(" ")[0]
    good = {"id": job["id"], "ok": True}
    if text == "die":
        os._exit(9)
    elif text == "hang":
        child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
        with open(home + "/child", "w") as f:
            f.write(str(child.pid))
        time.sleep(1000)
    elif text == "slow":
        while os.path.exists(home + "/hold"):
            time.sleep(0.02)
    elif text == "chatter":
        print(json.dumps(good), flush=True)
        print("words on stderr", file=sys.stderr, flush=True)
    elif text == "busy" and job["attempt"] == 1:
        return {"id": job["id"], "ok": False, "retry": True, "error": "busy"}
    elif text == "later" and job["attempt"] == 1:
        return {"id": job["id"], "ok": False, "retry": True, "after": 600, "error": "too many requests"}
    elif text == "no":
        return {"id": job["id"], "ok": False, "error": "no such order"}
    elif text == "babble":
        answer(b"no JSON")
        answer({"id": "99.9", "ok": True})
        answer(b"x" * 100000)
        answer(good)
    return good


def loop():
    while True:
        job = jobs.get()
        say("start", job)
        result = work(job)
        say("end", job, 0 if result["ok"] else 75)
        answer(result)
        jobs.task_done()


with open(home + "/worker." + os.environ["TG_WORKER"], "w") as f:
    f.write(str(os.getpid()))
for _ in range(max(takes, 1)):
    threading.Thread(target=loop, daemon=True).start()
if takes:
    answer({"ready": True, "concurrency": takes})
for line in sys.stdin:
    job = json.loads(line)
    say("got", job)
    jobs.put(job)
if os.environ.get("ENDS"):
    os._exit(0)
jobs.join()
