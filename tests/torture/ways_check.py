# Judges a round of tests/torture/ways by what is left in its directory: prints what is wrong, a line each, and on standard error some figures.
#
#   ways_check.py DIRECTORY
#
# Known here is only what the manual says: each update, and each push whose command said so, is handled to its end, in the order of its chat;
# none begins again when it is done but for a kill or a failure; what is gathered is of one chat and one album, in a row, and stays together
# unless it is taken apart.
import json
import sys

SLACK = 30  # milliseconds between what happens and its note
# … where the note is that of a handler which was started before somebody killed something, and on a busy machine; in that time it may also have
# been killed before it noted anything
LATE = 1000

home = sys.argv[1]
with open(home + "/end", encoding="utf-8") as f:
    end = json.load(f)
with open(home + "/sent", encoding="utf-8") as f:
    sent = {line["name"]: line for line in map(json.loads, f)}
begun, done, failed, kills, runs = {}, {}, {}, [], {}
with open(home + "/notes", encoding="ascii") as f:
    for what, at, *rest in map(str.split, f):
        if what == "K":
            kills.append(int(at))
            continue
        if what == "B":
            runs[rest[0]] = (int(at), rest[1:])
        for name in rest[1:]:
            {"B": begun, "E": done, "F": failed}[what].setdefault(name, []).append(int(at))

wrong = list(end["wrong"])
if end["waits"]:
    wrong.append("in the end there still waits: %s" % json.dumps(end["waits"])[:500])

# Dead letters: what is bad, and what five deaths of tgrun met.
letters = {}
for letter in end["dead"]:
    one = letter["update"].get("message") or letter["update"]["note"]
    letters[(one.get("text") or one["caption"]).split()[0]] = letter["reason"]
for name, reason in letters.items():
    if not sent[name]["bad"] and not reason.startswith("given up after"):
        wrong.append("%s is a dead letter: %s" % (name, reason))


def expected(one):
    return not one.get("push") or one["kept"]


for name, one in sent.items():
    if expected(one) and name not in done and name not in letters:
        wrong.append("%s was lost: it %s" % (name, "began at %s" % begun[name] if name in begun else "never began"))
    if one["bad"] and (name not in letters or name in done):
        wrong.append("%s is bad, and no dead letter" % name)
    if one.get("push") and name in begun and begun[name][0] < one["due"][0] - SLACK:
        wrong.append("%s began %d ms before it was due" % (name, one["due"][0] - begun[name][0]))
for name in begun.keys() - sent.keys():
    wrong.append("%s was handled, and nobody sent it" % name)

# Again only for a reason, and never two at once but where a server or what was killed goes on.
again = 0
for name, times in begun.items():
    for one, other in zip(times, times[1:]):
        again += 1
        reasons = [at for at in failed.get(name, []) if one <= at <= other] + [at for at in kills if one - LATE <= at <= other]
        if not reasons:
            wrong.append("%s began at %d and again at %d, for no reason" % (name, one, other))

# The order of a chat: of what the server sent by its numbers; of pushes by their times, where these do not overlap.
for chat in {one["chat"] for one in sent.values()}:
    came = sorted((one for one in sent.values() if one["chat"] == chat and not one.get("push") and one["name"] in begun), key=lambda one: one["at"])
    pushed = sorted((one for one in sent.values() if one["chat"] == chat and one.get("push") and one["kept"] and one["name"] in begun),
                    key=lambda one: one["due"][1])
    pairs = list(zip(came, came[1:]))
    pairs += [(a, b) for i, a in enumerate(pushed) for b in pushed[i + 1:i + 4] if a["due"][1] + SLACK < b["due"][0]]
    for a, b in pairs:
        a, b = a["name"], b["name"]
        together = any(a in names and b in names and names.index(a) < names.index(b) for _, names in runs.values())
        if begun[a][-1] > begun[b][0] and not together:
            wrong.append("%s began (%s) when %s of its chat, which came later, had begun (%s)" % (a, begun[a], b, begun[b]))
        elif a in done and not together and not any(at <= begun[b][0] + SLACK for at in done[a]) and a not in letters:
            wrong.append("%s was not done (%s) when %s began (%s)" % (a, done[a], b, begun[b]))

# What is gathered.
gathered = 0
for _, names in runs.values():
    ones = [sent[name] for name in names]
    gathered += len(names) > 1
    values = {(one["chat"], one.get("album") if end["by"] != "chat" else None) for one in ones}
    if len(names) > 1 and (not end["by"] or len(values) != 1 or (end["by"] != "chat" and not ones[0].get("album"))):
        wrong.append("handed out together: %s" % ones)
    places = [one["at"] for one in ones if "at" in one]
    if places != sorted(places):
        wrong.append("out of order in one batch: %s" % names)
first = {}
for at, names in runs.values():  # in the order of their notes
    for old in {first.get(name, tuple(names)) for name in names}:
        if not set(names) <= set(old):
            wrong.append("%s was handed out as %s before, and comes again as %s" % (names[0], list(old), names))
    for name in names:
        if not any(at - LATE <= kill <= at for kill in kills):
            first.setdefault(name, tuple(names))

for line in wrong[:20]:
    print(line)
print("%s%s: %d updates, %d pushes (%d kept), %d kills, %d began again, %d batches of several, %d dead letters" % (
    end["mode"], " by " + end["by"] if end["by"] else "", len([1 for one in sent.values() if not one.get("push")]),
    len([1 for one in sent.values() if one.get("push")]), len([1 for one in sent.values() if one.get("kept")]), len(kills), again, gathered,
    len(letters)), file=sys.stderr)
