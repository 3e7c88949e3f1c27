# Judges a round of tests/torture/fleet by what is left in its directory: prints what is wrong, a line each, and on standard error some figures.
#
#   fleet_check.py DIRECTORY
#
# Known here is only what tgrun-fleet(7) says: each update is handled to its end, or a dead letter of too many deaths; never do two handlers of one
# key live at the same time; the updates of a key begin in their order, retries too; each has its answer, in the order of its chat, has it twice only
# if a log says so, and is not handled again after that; the database does not contradict itself. Two modes are different: of `unguarded`, slots
# without a deadline, two handlers of a key must be found, or this is no test; of `async` what the standby had not got is lost, and nothing but
# that. And what stood still as a whole, clock and all, may write for a moment after it was thawed.
import collections
import glob
import json
import sys

THAW = 2000000  # microseconds that are such a moment, on a busy machine
SENT = 2000000  # … between an end, or an answer, and its record, likewise

home = sys.argv[1]
with open(home + "/end", encoding="utf-8") as f:
    end = json.load(f)
with open(home + "/acts", encoding="utf-8") as f:
    acts = [json.loads(line) for line in f]
GONE = end["lease"] * 750000  # microseconds after which others may have taken over: it had not beaten for a sixth of the lease, perhaps
frozen = collections.defaultdict(list)  # by node: [from, to]
for act in acts:
    if act["what"] == "freeze":
        frozen[act["node"]].append([act["at"], 1 << 62])
    elif act["what"] == "thaw" and frozen[act["node"]] and frozen[act["node"]][-1][1] == 1 << 62:
        frozen[act["node"]][-1][1] = act["at"]

# What lived: [begin, last sign of life, id, keys, ended with, node]
lives, open_, ran_on = [], {}, 0
for name in glob.glob(home + "/notes.*"):
    node = name.rsplit(".", 1)[1]
    with open(name, encoding="ascii") as f:
        for line in f:
            what, number, keys, pid, attempt, at, status = line.rstrip("\n").split("\t")
            at = int(at)
            who = (node, pid, number, attempt)
            if what == "start":
                open_[who] = [at, at, int(number), keys.split(), None, node]
                lives.append(open_[who])
                continue
            life = open_[who]
            # Of a frozen machine: what it wrote in the moment after it was thawed was written when it stood still.
            late = [at - thawed for stood, thawed in frozen[node] if life[0] < stood and thawed - stood > GONE and thawed - 1000 <= at < thawed + THAW]
            ran_on = max([ran_on] + late)
            if not late:
                life[1] = at
            if what == "end":
                life[4] = (at, int(status))
lives.sort()

wrong = list(end["wrong"])
letters = {int(number) for number in end["dead"]}
for number, reason in end["dead"].items():
    if not reason.startswith("given up after"):
        wrong.append("%s is a dead letter: %s" % (number, reason))
done = {}  # by id: when it first ended well
for life in lives:
    if life[4] and life[4][1] == 0:
        done.setdefault(life[2], life[4][0])
lag = end["more"]
lost = [number for number in range(1, end["sent"] + 1) if number not in done and number not in letters]
may_lose = range(lag["safe"] + 1, lag["offset"] + 1) if "safe" in lag else ()
again = {life[2] for life in lives if life[2] in done and life[0] > done[life[2]]}
for number in lost:
    if number not in may_lose:
        wrong.append("%d was never handled to its end" % number)
failed_over = "safe" in lag
answers = [(int(one["text"]), one["chat"], one["ms"] * 1000 + 1000) for one in end["deliveries"] if one["method"] == "sendMessage"]
# What ended, or was answered, in the lag: the standby may not know it.
in_lag = {number for number, at in [*done.items(), *((number, at) for number, _, at in answers)]
          if failed_over and lag["lag_from"] - SENT <= at <= lag["lag_to"] + end["lease"] * 1e6}

overlaps, order = [], []
by_key = collections.defaultdict(list)
for life in lives:
    for key in life[3]:
        by_key[key].append(life)
for key, ones in by_key.items():
    longest = None
    newest = None
    for life in ones:
        if longest and life[0] < longest[1]:
            overlaps.append("%s: %d on %s began at %d, and %d on %s, since %d, lived until %d" % (
                key, life[2], life[5], life[0], longest[2], longest[5], longest[0], longest[1]))
        if not longest or life[1] > longest[1]:
            longest = life
        # Again, out of order: only what ended in the lag, and only if it has been lost with it.
        if newest is not None and life[2] < newest and life[2] not in in_lag:
            order.append("%s: %d begins at %d on %s, after %d" % (key, life[2], life[0], life[5], newest))
        if newest is not None and life[2] > newest and newest not in letters and done.get(newest, 1 << 62) > life[0]:
            order.append("%s: %d begins at %d on %s, before %d has ended well" % (key, life[2], life[0], life[5], newest))
        newest = life[2] if newest is None else max(newest, life[2]) if life[2] not in in_lag else newest

# Answers.
told = 0
for name in glob.glob(home + "/*.log"):
    with open(name, encoding="utf-8", errors="replace") as f:
        told += sum("may arrive twice" in line for line in f)
came, twice, last, answered = collections.Counter(), 0, {}, {}
for number, chat, at in answers:
    came[number] += 1
    answered.setdefault(number, at)
    if came[number] == 1 and number < last.get(chat, 0) and number not in in_lag:
        wrong.append("the answer to %d comes behind that to %d" % (number, last[chat]))
    last[chat] = max(number, last.get(chat, 0))
for number in done:
    # What ended well, and died before that was written, may become a letter.
    if not came[number] and number not in letters and number not in in_lag:
        wrong.append("%d was handled, and not answered" % number)
for number, times in came.items():
    twice += times - 1 if number not in in_lag else 0
if twice > told:
    wrong.append("%d answers came twice, and %d were announced: %s" % (twice, told, [n for n, times in came.items() if times > 1][:10]))
# An answer goes out when the end is written: from then on it is no more to be handled.
for life in lives:
    if life[0] > answered.get(life[2], 1 << 62) and life[2] not in in_lag:
        wrong.append("%d begins at %d on %s, and was answered before, at %d" % (life[2], life[0], life[5], answered[life[2]]))
for what in ("audit", "failed"):
    if end[what] != []:
        wrong.append("%s: %s" % (what, str(end[what])[:500]))

if end["mode"] == "unguarded":
    if not overlaps:
        wrong.append("no two handlers of one key lived at once although the slots let them: this test sees nothing")
    order = []  # follows from that
else:
    wrong += overlaps[:10] + order[:10]
for line in wrong[:30]:
    print(line)
print("%s: %d updates, %d begun, %d cut short, %d done again, %d dead letters, %d answers (%d twice, %d announced); lost %d, overlaps %d, out of order %d, "
      "audit %d; %s; on for %d us after a thaw" % (
          end["mode"], end["sent"], len(lives), sum(life[4] is None for life in lives), len(again), len(letters), sum(came.values()), twice, told,
          len(lost), len(overlaps), len(order), len(end["audit"] or []), " ".join("%s %d" % pair for pair in sorted(end["count"].items())), ran_on),
      file=sys.stderr)
