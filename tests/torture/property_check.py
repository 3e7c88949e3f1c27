# Judges a round of tests/torture/property by what its handlers saw, and what was left: written from the manual pages alone, it knows nothing of
# how tgrun works. Prints what is wrong, a line each, and figures on stderr.
#
#   property_check.py DIRECTORY     `plan`, `sent`, `notes` and `end`: see property.py and property_handler.py
#
# What it holds against the lines, in their order:
#
#   all arrive      each update ended well, is a dead letter, or was taken away by --on-failure=drop, skip or drop; nothing waits
#   settled is over what surely ended well, or was skipped, never comes again, and is no dead letter
#   one at a time   a key's lock is never found taken; no more run at once than may
#   order           once an update has begun, no earlier one with a key in common begins, but for those of one batch
#   stops           no status is 0 when handlers had to be killed
#   breaker         handlers that all fail use up few updates
#   redelivered     TG_REDELIVERED is 1 if a try began before, and only if one can have begun
#   attempts        TG_ATTEMPT grows by one with each try that is charged, and with no other
#   letters         hold the update as it was sent, once, for the reason of its last try, and no sooner than --max-attempts allows
#
# A try is sure if nothing can have come between its end and the record of it: neither it, nor its slot, nor the runner was killed, or its slot had
# begun so much since that its end must have been written. What is not sure may be charged or not, and may come again.
import collections
import json
import re
import sys

NEVER = {"64", "65", "76", "77", "78", "100", "112"}
LATER = {"75", "111"}
DEADLY = ("hang", "slot", "sig")


class Try:
    def __init__(self, at, fields):
        self.at = at
        self.update, self.run, self.mode, self.attempt, self.redelivered = fields[1:6]
        self.pid, self.parent, self.ms, self.size = (int(field) for field in fields[6:10])
        self.process = (self.pid, self.ms) if self.mode == "batch" else self.run
        self.update, self.end, self.how, self.sure, self.epoch = int(self.update), None, None, False, None

    def __repr__(self):
        return "try of %d at line %d (%s, attempt %s, %s)" % (self.update, self.at + 1, self.mode, self.attempt, self.how or "cut off")


class Check:
    def __init__(self, directory):
        def read(name):
            with open(directory + "/" + name, encoding="utf-8") as f:
                return f.read()
        self.plan, self.end = json.loads(read("plan")), json.loads(read("end"))
        self.wrongs = list(self.end["wrong"])
        self.sent = {}
        for line in read("sent").splitlines():
            one = json.loads(line)
            self.sent[one["update"]["update_id"]] = one
        self.lines = [line.split("\t") for line in read("notes").splitlines()]
        self.tries = collections.defaultdict(list)
        self.kills = collections.defaultdict(list)  # of a process: where it was killed; the runner's are under 0
        self.troubles = []  # where something was killed or died: what was under way then may come again
        self.verbs = collections.defaultdict(dict)
        self.letters = {}

    def wrong(self, what, *more):
        self.wrongs.append(what % more)

    # Reading.

    def read(self):
        by_run, ends = {}, [(at, line) for at, line in enumerate(self.lines) if line[0] == "R"]
        for at, line in enumerate(self.lines):
            if line[0] == "S":
                one = Try(at, line)
                # The run of tgrun that it is in ends here, and so.
                one.epoch = next(((where, end[1]) for where, end in ends if where > at), None)
                by_run[one.run] = one
                self.tries[one.update].append(one)
            elif line[0] == "E":
                one = by_run[line[1]]
                one.end, one.how = at, line[2]
                if one.how.startswith(DEADLY) or one.mode == "worker":
                    self.troubles.append(at)
                if one.how == "slot":
                    self.kills[one.parent].append((at, one.pid))
            elif line[0] == "K" and line[1] in ("slot", "handler"):
                self.kills[int(line[2])].append((at, 0))
                self.troubles.append(at)
            elif line[0] == "K" and line[1] in ("runner", "term", "hup"):
                self.troubles.append(at)
            elif line[0] == "V":
                self.verbs[int(line[2])].setdefault(line[1], []).append(at)
            elif line[0] == "O":
                self.wrong("line %d: update %s begins while another has its key %s", at + 1, line[1], line[2])
            elif line[0] == "X":
                self.wrong("line %d: update %s: %s", at + 1, line[1], line[2])
        self.all = sorted(by_run.values(), key=lambda one: one.at)
        self.of_slot = collections.defaultdict(list)
        for one in self.all:
            self.of_slot[one.parent].append(one)
        for one in self.all:
            one.sure = one.end is not None and not self.disturbed(one)

    def disturbed(self, one):
        # A slot, or a place of a worker, that begins another has told of the end before.
        places = self.plan["places"] if one.mode == "worker" else 1
        later = [other.at for other in self.of_slot[one.parent] if other.at > one.end and other.process != one.process]
        proof = later[2 * places - 1] if len(later) >= 2 * places else len(self.lines)
        if any(at < proof and by != one.pid for pid in (one.pid, one.parent) for at, by in self.kills[pid]):
            return True
        return one.epoch is not None and one.epoch[0] < proof and one.epoch[1] != "0"

    # What must hold.

    def order(self):
        began = collections.defaultdict(dict)  # of a key: each update that has begun, and the processes that it was in
        where = collections.defaultdict(set)
        for one in self.all:
            where[one.process].add(one.update)
        for one in self.all:
            again = "retry" in self.verbs[one.update]
            for key in self.sent[one.update]["keys"]:
                if not again:
                    for other, processes in began[key].items():
                        if other > one.update and any(one.update not in where[process] for process in processes):
                            self.wrong("%s begins after %d, which came later with the same key %s", one, other, key)
                    began[key].setdefault(one.update, set()).add(one.process)

    def stops(self):
        for one in self.all:
            killed = self.kills[one.pid] or self.kills[one.parent]
            if one.mode == "exec" and one.end is None and not killed and one.epoch and one.epoch[1] == "0":
                self.wrong("%s was killed, and tgrun ended with 0", one)

    def at_once(self):
        if self.plan["mode"] != "exec":
            return
        now = collections.Counter()
        by_run = {one.run: one for one in self.all}
        for line in self.lines:
            one = by_run.get(line[2] if line[0] == "S" else line[1] if line[0] == "E" else "")
            if one and one.end is not None:
                free = self.sent[one.update]["free"]
                now[free] += 1 if line[0] == "S" else -1
                if now[free] > self.plan["concurrency"]:
                    self.wrong("%s: %d run at once", one, now[free])

    def breaker(self):
        """While every handler fails, those are given up that it takes to notice, and what was under way then, of both lanes."""
        if not self.plan["breaker"] or self.plan["mode"] != "exec":
            return
        most, since = self.plan["breaker"] + 2 * self.plan["concurrency"], 0
        for at, line in enumerate(self.lines):
            if line[:2] == ["K", "broken"]:
                since = at
            elif line[:2] == ["K", "mended"]:
                lost = [update for update, tries in self.tries.items() if tries[-1].how == "2" and since < tries[-1].end < at]
                if len(lost) > most:
                    self.wrong("line %d: while every handler failed, %d updates were given up: %s", at + 1, len(lost), lost)

    def trouble(self, since, until):
        return any(since < at < until for at in self.troubles)

    def unseen(self, since, until):
        """How many tries may have failed without having said that they began: those that were killed before."""
        return sum(1 for at in self.troubles if since < at < until and self.lines[at][:2] == ["K", "handler"])

    def charge(self, one):
        """The least and the most that a try adds to the attempts."""
        if one.how == "slot" or (one.how == "0" and one.sure):
            return 0, 0
        if one.sure and not self.plan["breaker"] and (one.mode == "exec" or one.mode == "worker" and one.how in LATER):
            return 1, 1
        if one.end is None and one.epoch and one.epoch[1] == "-9" and not self.kills[one.pid] and not self.kills[one.parent]:
            # It was running when the runner died, unless its time had run out.
            if one.mode == "exec" and int(self.lines[one.epoch[0]][2]) - one.ms < self.plan["timeout_ms"] / 2:
                return 0, 0
        return 0, 1

    def follow(self):
        for update, tries in self.tries.items():
            if update not in self.sent:
                self.wrong("%s: that was never sent", tries[0])
                continue
            verbs = self.verbs[update]
            for at in verbs.get("skipped", ()):
                if tries[-1].at > at:
                    self.wrong("%s was skipped at line %d", tries[-1], at + 1)
            before = None
            for one in tries:
                if before and any(before.at < at < one.at for at in verbs.get("retry", ())):
                    before = None
                since = before.at if before else max([-1] + [at for at in verbs.get("retry", ()) if at < one.at])
                if before and before.sure and before.how == "0":
                    self.wrong("%s comes again, though it surely ended well at line %d", one, before.end + 1)
                if before and before.sure and before.how in NEVER and before.size == 1 and not self.plan["breaker"]:
                    self.wrong("%s comes again, though it surely ended with %s at line %d", one, before.how, before.end + 1)
                if one.redelivered == "0" and before:
                    self.wrong("%s is not said to be redelivered, after line %d", one, before.at + 1)
                if one.redelivered == "1" and not before and not self.trouble(since, one.at):
                    self.wrong("%s is said to be redelivered, and nothing can have begun before", one)
                if one.attempt != "-" and (not before or before.attempt != "-"):
                    least, most = self.charge(before) if before else (0, 0)
                    was = int(before.attempt) if before else 1
                    most += self.unseen(since, one.at)
                    if not was + least <= int(one.attempt) <= was + most:
                        self.wrong("%s is no attempt from %d to %d", one, was + least, was + most)
                before = one

    def fates(self):
        for letter in self.end["dead"]:
            if letter["update_id"] in self.letters:
                self.wrong("update %d has two dead letters", letter["update_id"])
            self.letters[letter["update_id"]] = letter
        if self.end["queue"]:
            self.wrong("%d updates wait at the end: %s", len(self.end["queue"]), self.end["queue"][:3])
        for update in set(self.letters) - set(self.sent):
            self.wrong("dead letter of an update that was never sent: %d", update)
        for update in self.sent:
            last = self.tries[update][-1] if self.tries[update] else None
            if update in self.letters:
                self.buried(update, last, self.letters[update])
            else:
                self.gone(update, last)

    def gone(self, update, last):
        verbs = self.verbs[update]
        if "skip" in verbs or "drop" in verbs or (last and last.how == "0"):
            return
        if self.plan["on_failure"] == "drop" and ((last and last.how not in NEVER | LATER) or self.unseen(last.at if last else -1, len(self.lines))):
            return
        if not last:
            self.wrong("update %d was never begun, and is gone", update)
        else:
            self.wrong("%s is the last, and the update is gone", last)

    def buried(self, update, last, letter):
        reason, most = re.sub(r", attempt \d+ of \d+$", "", letter["reason"]), self.plan["max_attempts"]
        # A letter counts all attempts, also those that are not charged.
        tried = int(last.attempt) if last and last.attempt != "-" else letter["attempts"]
        if tried > letter["attempts"]:
            self.wrong("%s: its letter tells of %d attempts", last, letter["attempts"])
        if letter["update"] != self.sent[update]["update"]:
            self.wrong("the dead letter of %d holds another update", update)
        if "skipped" in self.verbs[update]:
            self.wrong("update %d was skipped, and is a dead letter", update)
        if last and last.sure and last.how == "0":
            self.wrong("%s surely ended well, and is a dead letter: %s", last, reason)
        status = re.match(r"(?:worker )?exited with status (\d+)", reason)
        given = re.match(r"given up after (?:(\d+) deaths?)?(?: and )?(?:(\d+) interruptions)?", reason)
        if given:
            deaths = len(self.tries[update]) + sum(1 for at in self.troubles if self.lines[at][0] in "KE")
            if given.group(1) and int(given.group(1)) < 5 and not int(given.group(2) or 0) >= 20 or int(given.group(1) or 0) > deaths:
                self.wrong("%s: %s", last or update, reason)
        elif status or reason in ("never", "later"):
            how = status.group(1) if status else {"never": "65", "later": "75"}[reason]
            if not last or last.how not in (how, "75" if how == "111" else how) and not (last.mode == "worker" and how == "0"):
                self.wrong("%s is a dead letter for another reason: %s", last or update, reason)
            elif tried < most and (how in LATER or how not in NEVER and self.plan["on_failure"] == "retry"):
                self.wrong("%s is given up too early", last)
        elif reason.startswith(("killed by signal", "worker killed by signal")):
            if last and not last.how and not self.kills[last.pid] and last.epoch[1] == "0" and last.mode == "exec":
                self.wrong("%s was killed by nobody: %s", last, reason)
        elif reason == "its worker closed descriptor 3 without an answer":
            if not last or last.mode != "worker" or last.sure and not last.how.startswith(DEADLY):
                self.wrong("%s is a dead letter for another reason: %s", last or update, reason)
        elif reason.startswith("timed out after"):
            if last and last.how not in (None, "hang"):
                self.wrong("%s is a dead letter for another reason: %s", last, reason)
        else:
            self.wrong("update %d is a dead letter: %s", update, reason)
        if self.plan["on_failure"] == "drop" and not given and not status and reason not in ("never", "later"):
            self.wrong("--on-failure=drop, and update %d is a dead letter: %s", update, reason)

    def judge(self):
        self.read()
        self.order()
        self.at_once()
        self.stops()
        self.breaker()
        self.follow()
        self.fates()
        for what in self.wrongs[:12]:
            print(what)
        if len(self.wrongs) > 12:
            print("and %d more" % (len(self.wrongs) - 12))
        done = collections.Counter(line[1] for line in self.lines if line[0] in "KR")
        print("%d updates, %d tries (%d sure), %d letters; %s" % (len(self.sent), len(self.all), sum(one.sure for one in self.all), len(self.letters),
                                                                 " ".join("%s:%d" % item for item in sorted(done.items()))), file=sys.stderr)


Check(sys.argv[1]).judge()
