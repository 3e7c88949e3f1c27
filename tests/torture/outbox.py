# What becomes of calls on their way: writes the faults of a run for the sandbox, and judges afterwards what arrived, by the sandbox's log.
#
#   outbox.py script             lines for POST /sandbox/script: every fault of the table of outcomes, at random, in all calls from then on
#   outbox.py moves CHATS        lines for POST /sandbox/chats: some of the groups get another id
#   outbox.py running STATE      the numbers of the updates that a tgrun was handling when it was killed
#   outbox.py check DIR UPDATES CHATS [KILLED]   reads calls.jsonl, tgrun.log, dead (letters), running (all that was printed by it), state/queue.db in DIR
#
# The bot is tests/torture/outbox_bot: to the Nth message of a chat it answers "N", and to some more, or an invoice. So what should arrive is
# known, and in which order. The check: all of it arrived, but what is kept as failed for a reason of the table; in its chat's order; what
# arrived twice was announced as such, nothing arrived thrice and no invoice twice. With KILLED, that so many calls were recorded as the updates
# have answers: no reply without its settlement, none twice; and an update may be a dead letter that was being handled at five kills.
import collections
import json
import os
import re
import shutil
import sqlite3
import struct
import sys
import tempfile

FIRST = -1050  # the first group
MOVED = 7      # each seventh gets another id


def say(**line):
    print(json.dumps(dict({"times": -1, "method": "sendMessage"}, **line)))


def script():
    refused = {"status": 400, "description": "Bad Request: message text is empty"}
    restart = {"status": 500, "description": "Internal Server Error: restart"}
    # Not delivered.
    say(chance=8, **refused)
    say(chance=8, action="hang_up", count=0)
    say(chance=6, action="break")
    say(chance=2, action="refuse", ms=2000)
    say(chance=6, status=403, description="Forbidden: bot was blocked by the user")
    say(chance=10, action="flood", retry_after=3)
    say(chance=2, action="flood", all=True, retry_after=2)
    say(chance=10, status=502, body="<html>Bad Gateway</html>")
    say(chance=6, **restart)
    say(chance=1, action="stall")
    say(chance=2, status=401, description="Unauthorized")
    # Delivered, and the answer is lost.
    say(chance=6, apply=True, **restart)
    say(chance=8, action="reset", apply=True, after=0)
    say(chance=6, action="cut")
    say(chance=1, action="stall", apply=True)
    for lost in ({"action": "reset", "apply": True, "after": 0}, restart, {"action": "hang_up", "count": 0},
                 dict(restart, apply=True), {"status": 502, "body": "x"}, {"action": "flood", "retry_after": 3}):
        say(**dict({"method": "sendInvoice", "chance": 60}, **lost))


def moves(chats):
    for chat in range(FIRST, FIRST + chats, MOVED):
        print(json.dumps({"chat": chat, "state": "moved", "to": chat - 1000}))


# As tests/torture/outbox_bot has it.
def answers(n):
    if n % 20 == 7:
        return ["invoice %d" % n]
    return [str(n), "%d+" % n] if n % 10 == 3 else [str(n)]


def named(params):
    return "invoice %s" % params["payload"] if "payload" in params else params["text"]


def home(chat):  # its first id
    return chat + 1000 if chat < FIRST - 500 else chat


REASONS = re.compile(r"^(40[03] |nobody knows whether it arrived|tgrun ended while it was being sent|HTTP status 502 |too old)")


# Of a copy: who reads the log of a database that was killed would mend it.
def running(state):
    with tempfile.TemporaryDirectory() as copy:
        for name in ("queue.db", "queue.db-wal"):
            if os.path.exists(os.path.join(state, name)):
                shutil.copy(os.path.join(state, name), copy)
        db = sqlite3.connect(copy + "/queue.db")
        runs = db.execute("SELECT runs FROM state").fetchone()[0]
        numbers = [number for number, _, _ in struct.iter_unpack("<qqq", runs)]
        for number in numbers + [row[0] for row in db.execute("SELECT seq FROM runs")]:
            print(number)


def check(directory, updates, chats, killed):
    faults = []
    expected = {FIRST + c: [] for c in range(chats)}
    buried = set()
    deaths = collections.Counter()
    if killed:
        with open(directory + "/running") as lines:
            deaths.update(int(line) for line in lines)
    with open(directory + "/dead") as lines:
        for line in lines:
            letter = json.loads(line)
            buried.add(letter["update_id"])
            if not letter["reason"].startswith("given up after 5 deaths") or deaths[letter["number"]] < 5:
                faults.append("a dead letter, of what was being handled at %d kills: %s" % (deaths[letter["number"]], letter["reason"]))
    for n in range(updates):
        if n + 1 not in buried:
            expected[FIRST + n % chats] += answers(n // chats + 1)
    arrived = collections.defaultdict(list)
    with open(directory + "/calls.jsonl") as lines:
        for line in lines:
            call = json.loads(line)
            if call.get("status") == 200 and call["method"].startswith("send"):
                arrived[home(int(call["params"]["chat_id"]))].append(named(call["params"]))
    told = collections.Counter()
    with open(directory + "/tgrun.log") as lines:
        for line in lines:
            if "may arrive twice" in line:
                told[home(int(re.search(r" chat=(-\d+)", line).group(1)))] += 1
    db = sqlite3.connect("file:%s/state/queue.db?mode=ro" % directory, uri=True)
    failed = collections.defaultdict(set)
    for params, reason in db.execute("SELECT params, reason FROM calls WHERE failed <> 0"):
        params = json.loads(params)
        failed[home(int(params["chat_id"]))].add(named(params))
        if not REASONS.match(reason):
            faults.append("failed for no reason of the table: %s" % reason)
    waiting = db.execute("SELECT count(*) FROM calls WHERE failed = 0").fetchone()[0]
    if waiting:
        faults.append("%d calls wait" % waiting)
    lost = twice = 0
    for chat, items in expected.items():
        came = collections.Counter(arrived[chat])
        place = {item: i for i, item in enumerate(items)}
        for item in items:
            if not came[item] and item not in failed[chat]:
                faults.append("lost: %s to %d" % (item, chat))
            lost += not came[item]
            if came[item] > 2 or (came[item] > 1 and item.startswith("invoice")):
                faults.append("%d times: %s to %d" % (came[item], item, chat))
        repeats = sum(1 for item in items if came[item] > 1)
        twice += repeats
        if repeats > told[chat]:
            faults.append("%d came twice to %d, and %d were announced" % (repeats, chat, told[chat]))
        strange = [item for item in came if item not in place]
        if strange:
            faults.append("not expected: %s to %d" % (strange, chat))
        order = [place[item] for item in arrived[chat] if item in place]
        for a, b in zip(order, order[1:]):
            if b < a:
                faults.append("%s came behind %s to %d" % (items[b], items[a], chat))
    total = sum(len(items) for items in expected.values())
    if killed:
        # Numbers are given one after the other, and what is not written gives its own back.
        last = db.execute("SELECT last_call FROM state").fetchone()[0]
        if last != total:
            faults.append("%d calls were recorded, of %d" % (last, total))
    print("%d calls: %d arrived, %d of them twice (%d announced), %d failed" %
          (total, total - lost, twice, sum(told.values()), sum(len(f) for f in failed.values())), file=sys.stderr)
    print("right" if not faults else "\n".join(faults[:20]))


if sys.argv[1] == "script":
    script()
elif sys.argv[1] == "moves":
    moves(int(sys.argv[2]))
elif sys.argv[1] == "running":
    running(sys.argv[2])
else:
    check(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), len(sys.argv) > 5)
