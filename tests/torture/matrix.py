# What fails at which point of a poll: writes the script of a run for the sandbox, and reads afterwards whether it went as it must.
#
#   matrix.py script SEED POLLS            lines for POST /sandbox/script: every fault once, then at random, in runs of one to nine
#   matrix.py check DIR SPEED FIRST:LAST…  reads calls.jsonl, events (of tests/tools/probe), dead and tgrun.log in DIR; the ids of each part
#
# The check: each id was handled exactly once and in the order of its chat, or is whole in a dead letter; no request confirmed what no answer
# had brought; and from one request to the next passed at least what backoff, retry_after and idleness ask for, by the fast clock.
import json
import random
import re
import sys

# What becomes of the answer: spoiled must not be taken, good must be, maybe may be. `again`: without a whole status line, libcurl asks once
# more at once if the connection was used before.
SPOILED, GOOD, MAYBE = "spoiled", "good", "maybe"
FAULTS = {}


def fault(name, fate, again=False, weight=4, **line):
    FAULTS[name] = {"fate": fate, "again": again, "weight": weight, "line": line, "wait": line.pop("wait", 0)}


def refusal(code, words, **more):
    return json.dumps(dict({"ok": False, "error_code": code, "description": words}, **more))


def hexed(text):
    return text.encode("latin-1").hex()


def define():
    page = "<html><body>not here</body></html>"
    # Connecting, and the request.
    fault("refused", SPOILED, again=True, action="refuse", ms=2500, weight=2)
    fault("refused-long", SPOILED, again=True, action="refuse", ms=20000, weight=1)
    fault("hung-up", SPOILED, again=True, action="hang_up")
    fault("hung-up-often", SPOILED, again=True, action="hang_up", count=4)
    fault("closed", SPOILED, again=True, action="raw", body="")
    fault("reset-at-once", SPOILED, again=True, action="raw", body="", end="reset")
    fault("closed-late", SPOILED, again=True, action="raw", body="", ms=3000)
    fault("never", SPOILED, action="stall", weight=1)
    # The status line and the headers of the true answer, which is carried out.
    for at in (1, 4, 5, 8, 9, 11, 12, 13, 20, 21, 22, 23, 40, 62, 80, 83):
        fault("cut-at-%d" % at, SPOILED, again=at < 23, action="cut", after=at, weight=1)
    for at in (1, 9, 30, 64):
        fault("reset-at-%d" % at, SPOILED, again=at < 23, action="reset", after=at, weight=1)
    fault("cut-at-0", SPOILED, again=True, action="cut", after=0)
    fault("reset-at-0", SPOILED, again=True, action="reset", after=0)
    fault("stall-in-status", SPOILED, action="stall", after=7, weight=1)
    fault("stall-in-headers", SPOILED, action="stall", after=45, weight=1)
    # Its body.
    for part in (150, 300, 500, 700, 900, 990):
        fault("cut-part-%d" % part, SPOILED, action="cut", permille=part, weight=2)
        fault("reset-part-%d" % part, SPOILED, action="reset", permille=part, weight=2)
    for left in (1, 2, 3, 10):
        fault("cut-before-%d" % left, SPOILED, action="cut", after=-left, weight=2)
    fault("reset-before-1", SPOILED, action="reset", after=-1)
    fault("stall-in-body", SPOILED, action="stall", permille=800, weight=1)
    fault("stall-before-1", SPOILED, action="stall", after=-1, weight=1)
    # Its end.
    fault("end-then-fin", GOOD, action="cut", after=10**9)
    fault("end-then-reset", MAYBE, again=True, action="reset", after=10**9)
    fault("length-too-large", SPOILED, action="cut", after=10**9, more=7)
    fault("length-much-too-large", SPOILED, action="stall", after=10**9, more=5000, weight=1)
    fault("length-too-small", SPOILED, action="cut", after=10**9, more=-1)
    fault("length-much-too-small", SPOILED, action="cut", after=10**9, more=-30)
    # The JSON, in proper HTTP.
    for keep in (0, 5, 100, 500, 900, 995):
        fault("json-cut-%d" % keep, SPOILED, action="answer", apply=True, keep=keep, weight=2)
    fault("json-behind", SPOILED, action="answer", apply=True, behind=hexed(" and more"))
    fault("json-behind-nul", SPOILED, action="answer", apply=True, behind="00")
    fault("json-behind-json", SPOILED, action="answer", apply=True, behind=hexed('{"ok":true,"result":[]}'))
    fault("json-bom", SPOILED, action="answer", apply=True, before="efbbbf")
    fault("json-before", SPOILED, action="answer", apply=True, before=hexed("<!-- proxy -->"))
    fault("json-comma", SPOILED, action="answer", apply=True, before=hexed("["), behind=hexed(",]"))
    fault("json-nested", SPOILED, body="[", repeat=100000)
    fault("json-nested-objects", SPOILED, body='{"a":', repeat=50000)
    fault("json-nested-result", SPOILED, hex=hexed('{"ok":true,"result":' + "[" * 2000 + "]" * 2000 + "}"))
    fault("json-wide", SPOILED, body="[[],[],[],[],[],[],[],[],", repeat=20000, weight=2)
    fault("json-no-result", SPOILED, body='{"ok":true}')
    fault("json-result-object", SPOILED, body='{"ok":true,"result":{}}')
    fault("json-result-true", SPOILED, body='{"ok":true,"result":true}')
    fault("json-result-null", SPOILED, body='{"ok":true,"result":null}')
    fault("json-ok-text", SPOILED, body='{"ok":"true","result":[]}')
    fault("json-array", SPOILED, body="[]")
    fault("json-text", SPOILED, body='"ok"')
    fault("json-utf8", SPOILED, hex=hexed('{"ok":true,"result":["\xc3\x28"') )
    # Content.
    fault("empty-200", SPOILED, body="")
    fault("empty-204", SPOILED, status=204, body="")
    fault("page-200", SPOILED, body=page, type="text/html")
    fault("type-wrong", MAYBE, action="answer", apply=True, type="text/html")
    fault("gzip", SPOILED, hex="1f8b0800000000000003ffff00deadbeef", header="Content-Encoding: gzip")
    fault("binary", SPOILED, hex="00fffe8081", type="application/octet-stream", repeat=500)
    # HTTP.
    for status in (500, 502, 503, 504, 599):
        fault("page-%d" % status, SPOILED, status=status, body=page, type="text/html", weight=2)
    fault("empty-502", SPOILED, status=502, body="")
    fault("true-500", SPOILED, action="answer", apply=True, status=500)
    fault("true-404", SPOILED, action="answer", apply=True, status=404)
    fault("page-401", SPOILED, status=401, body=page, type="text/html", header="WWW-Authenticate: Basic realm=\"x\"")
    fault("page-403", SPOILED, status=403, body=page, type="text/html")
    fault("page-404", SPOILED, status=404, body=page, type="text/html")
    fault("page-407", SPOILED, status=407, body=page, header="Proxy-Authenticate: Basic realm=\"x\"")
    for status in (301, 302, 307, 308):
        fault("redirect-%d" % status, SPOILED, action="redirect", status=status, location="http://127.0.0.1:9/", weight=2)
    fault("true-302", SPOILED, action="answer", apply=True, status=302)
    fault("not-modified", SPOILED, status=304, body="")
    fault("garbage", SPOILED, action="garbage")
    raw = {
        "raw-http09": "hello, this is no HTTP\r\n\r\n", "raw-tls": "\x15\x03\x01\x00\x02\x02\x28", "raw-ssh": "SSH-2.0-OpenSSH_9.2\r\n",
        "raw-http2": "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x04\x00\x00\xff\xff",
        "raw-status": "HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\n[]", "raw-version": "HTTP/7.7 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        "raw-length": "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n[]", "raw-lengths": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\n[]",
        "raw-huge-length": "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n[]",
        "raw-no-length": 'HTTP/1.0 200 OK\r\n\r\n{"ok":true,"result":[', "raw-nul": "HTTP/1.1 200 OK\r\nX-A: \x00b\r\nContent-Length: 2\r\n\r\n[]",
        "raw-colon": "HTTP/1.1 200 OK\r\nno colon here\r\nContent-Length: 2\r\n\r\n[]",
        "raw-chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n[]\r\n0\r\n\r\n",
        "raw-chunk-cut": 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n15\r\n{"ok":true,"result":[\r\n',
        "raw-chunk-no-end": 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n15\r\n{"ok":true,"result":[\r\n2\r\n]}\r\n0',
        "raw-chunk-huge": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n[]",
        "raw-transfer": "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n\x1f\x8b\r\n0\r\n\r\n",
        "raw-switching": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nxyz",
        "raw-continue": "HTTP/1.1 100 Continue\r\n\r\n" * 3, "raw-continue-many": "HTTP/1.1 100 Continue\r\n\r\n" * 5000,
    }
    for name, bytes_ in raw.items():
        fault(name, SPOILED, again=name.startswith("raw-continue"), action="raw", hex=hexed(bytes_), weight=2)
    fault("raw-status-reset", SPOILED, again=True, action="raw", body="HTTP/1.1 200 O", end="reset")
    # Slow, and without end.
    fault("headers-stall", SPOILED, action="stall_headers", weight=1)
    fault("headers-endless", SPOILED, action="headers", bytes=300000, weight=2)
    fault("body-endless", SPOILED, action="endless", bytes=40 << 20, weight=1)
    fault("body-cut-late", SPOILED, action="endless", bytes=300000, weight=2)
    # What the server says.
    fault("restart", SPOILED, status=500, body=refusal(500, "Internal Server Error: restart"))
    fault("refused-400", SPOILED, status=400, body=refusal(400, "Bad Request: odd"))
    fault("refused-200", SPOILED, status=200, body=refusal(400, "Bad Request: odd"))
    fault("refused-no-code", SPOILED, status=200, body='{"ok":false}')
    fault("refused-odd-code", SPOILED, status=400, body='{"ok":false,"error_code":"many","description":7}')
    fault("poller", SPOILED, status=409, body=refusal(409, "Conflict: terminated by other getUpdates request"))
    fault("webhook", SPOILED, status=409, body=refusal(409, "Conflict: can't use getUpdates method while webhook is active"))
    for after, wait in ((0, 0), (3, 3), (17, 17), (0.5, 1), (-5, 5), ("soon", 5), (None, 5), (1e300, None)):
        if wait is not None:
            fault("flood-%s" % after, SPOILED, status=429, weight=1, wait=wait * 1000,
                  body=refusal(429, "Too Many Requests", parameters={"retry_after": after}))
    fault("flood-bare", SPOILED, status=429, body=refusal(429, "Too Many Requests"), wait=5000, weight=1)
    # Odd, but good.
    fault("close", GOOD, action="close")
    fault("trickle", GOOD, action="trickle", bytes=100, ms=40)
    fault("delay", GOOD, action="delay", ms=2000)
    fault("twice", GOOD, action="twice")
    fault("backwards", GOOD, action="backwards")
    fault("empty-list", GOOD, body='{"ok":true,"result":[]}')
    fault("empty-lists", GOOD, body='{"ok":true,"ok":true,"result":[]}')
    fault("pass", GOOD, weight=0, action="pass")


def line_of(name):
    return json.dumps(dict(FAULTS[name]["line"], name=name, method="getUpdates"))


def script(seed, polls):
    rng = random.Random(seed)

    def below(n):
        return int(rng.random() * n)

    urn = [name for name, f in FAULTS.items() for _ in range(f["weight"])]
    names = [name for name in FAULTS if name != "pass"]
    for i in range(len(names) - 1, 0, -1):
        j = below(i + 1)
        names[i], names[j] = names[j], names[i]
    sequence = []
    while len(sequence) < polls or names:
        x = rng.random()
        run = 1 if x < 0.72 else 2 if x < 0.9 else 3 if x < 0.96 else 4 + below(6)
        for _ in range(min(run, 3) if names else run):
            # Once at least after a good answer, where its wait is certain.
            if names and names[-1].startswith("empty-list"):
                sequence.append("pass")
            sequence.append(names.pop() if names else urn[below(len(urn))])
        sequence += ["pass"] * (1 + below(3))
    for name in sequence:
        print(line_of(name))


class Check:
    def __init__(self, directory, speed, parts):
        self.directory, self.speed, self.parts = directory, speed, parts
        self.wrongs = 0
        self.dead = {}  # bytes of the dead letters, by id

    def wrong(self, text):
        self.wrongs += 1
        if self.wrongs <= 10:
            print(text)

    def read(self, name):
        with open("%s/%s" % (self.directory, name), encoding="utf-8", errors="replace") as f:
            return f.readlines()

    def handled(self):
        dead = self.dead
        for text in self.read("dead"):
            letter = json.loads(text)
            dead[letter["update_id"]] = letter["update"] if isinstance(letter["update"], str) else json.dumps(letter["update"])
        part_of = {}
        for number, (first, last) in enumerate(self.parts):
            part_of.update((i, number) for i in range(first, last + 1))
        starts, ends, newest = {}, {}, {}  # newest: the id that started last, by part and chat
        for text in self.read("events"):
            what, update, key, _, attempt, _, status = text.rstrip("\n").split("\t")
            update = int(update)
            if what == "end":
                ends[update] = ends.get(update, 0) + (status == "0")
                continue
            starts[update] = starts.get(update, 0) + 1
            if attempt != "1":
                self.wrong("update %d has attempt %s" % (update, attempt))
            at = (part_of.get(update), key)
            if update <= newest.get(at, -1):
                self.wrong("update %d of %s starts after %d" % (update, key, newest[at]))
            if at in newest and newest[at] not in ends:
                self.wrong("update %d of %s starts before %d has ended" % (update, key, newest[at]))
            newest[at] = update
        for update in part_of:
            whole = re.search(r'"update_id": ?%d,.*"text": ?\\?"\d+\\?"' % update, dead.get(update, ""))
            if starts.get(update, 0) != (0 if whole else 1) or ends.get(update, 0) != (0 if whole else 1):
                self.wrong("update %d was started %d times, and ended well %d times%s" %
                           (update, starts.get(update, 0), ends.get(update, 0), "; it is a dead letter" if update in dead else ""))
        for update in list(dead) + list(starts):
            if update not in part_of:
                self.wrong("update %s was never sent" % update)
        return len(part_of), len(dead)

    def requests(self):
        """From one request to the next: arrivals are the lines with a fault, `pass` too; answers those with `under`."""
        lines = [json.loads(text) for text in self.read("calls.jsonl")]
        lines = [line for line in lines if line["method"] == "getUpdates"]
        told, failures, asked, hurried = set(self.dead), 0, 0, 0
        gaps, counts, before, calm = [], {}, None, True
        excess = self.timeouts(lines)
        for line in lines:
            if "fault" not in line:
                if line.get("count") and FAULTS[line.get("under", "pass")]["fate"] != SPOILED:
                    told.add(line["highest"])
                if "under" not in line and line.get("status") == 200:
                    # Between two parts no line is left of the script: tgrun was answered, and begins its count anew.
                    before, failures, asked, calm = None, 0, 0, True
                continue
            name = line["fault"]
            counts[name] = counts.get(name, 0) + 1
            offset = int(line["params"].get("offset", 0))
            if offset and offset - 1 not in told:
                self.wrong("request %d confirms all below %d, which no answer had brought" % (line["seq"], offset))
            if before:
                gap = line["ms"] - before["ms"]
                was = FAULTS[before["fault"]]
                need = 0
                if was["fate"] == SPOILED:
                    need = max(min(60000, 1000 << failures) / 2, was["wait"])
                    # One that libcurl perhaps asked again is perhaps the same failure as the next.
                    failures += not was["again"]
                elif was["fate"] == GOOD:
                    failures = 0
                    # Not after failures: an update that was asked for alone is followed at once, and to tgrun what libcurl asked again is
                    # one request, which took its time.
                    need = 225 if before["fault"].startswith("empty-list") and calm else 0
                else:
                    failures = 0
                if need and gap < need - 2 * self.speed:
                    if was["again"] and not asked:
                        asked = 1
                        hurried += 1
                    else:
                        excess -= 1
                        if excess < 0:
                            self.wrong("request %d (%s) comes %d ms after %s, failure %d: at least %d" %
                                       (line["seq"], name, gap, before["fault"], failures, need))
                else:
                    asked = 0
                if was["fate"] == SPOILED:
                    gaps.append(gap)
                calm = was["fate"] != SPOILED
            before = line
        return lines, counts, gaps, hurried

    def timeouts(self, lines):
        """Timeouts by tgrun's fast clock that no fault explains: the machine was busy, and the sandbox noted those requests late."""
        log = "".join(self.read("tgrun.log"))
        seen = len(re.findall(r"too slow|timed out|imeout was reached", log))
        return max(0, seen - sum(1 for line in lines if re.search("stall|never|length-much-too-large", line.get("fault", ""))))


def check(directory, speed, parts):
    c = Check(directory, speed, parts)
    updates, dead = c.handled()
    lines, counts, gaps, hurried = c.requests()
    arrivals = [line for line in lines if "fault" in line]
    refused = sum("to connect to" in text and "asking again" in text for text in c.read("tgrun.log"))
    failed = sum(n for name, n in counts.items() if FAULTS[name]["fate"] == SPOILED)
    seconds = (arrivals[-1]["ms"] - arrivals[0]["ms"]) / 1000
    waited = sum(gaps) / 1000
    missing = [name for name in FAULTS if name not in counts]
    if missing:
        c.wrong("never played: %s" % " ".join(missing))
    if waited and len(gaps) / waited > 2:
        c.wrong("%.2f requests a second while all fail" % (len(gaps) / waited))
    print("wrong" if c.wrongs else "right")
    print("%d polls (%d more found nobody), %d of them spoiled, %d faults of %d kinds; %d updates, %d dead letters; %.0f s by the fast clock; "
          "%.2f requests a second while they fail, %.2f in all; %d asked again by libcurl at once" %
          (len(arrivals), refused, failed, sum(n for name, n in counts.items() if name != "pass"), len(counts) - 1, updates, dead, seconds,
           len(gaps) / waited if waited else 0, len(arrivals) / seconds, hurried), file=sys.stderr)
    groups = {}
    for name, n in counts.items():
        group = re.match(r"[a-z]+", name).group()
        groups[group] = groups.get(group, 0) + n
    print(" ".join("%s %d" % item for item in sorted(groups.items())), file=sys.stderr)


define()
if sys.argv[1] == "script":
    script(int(sys.argv[2]), int(sys.argv[3]))
else:
    check(sys.argv[2], int(sys.argv[3]), [tuple(map(int, part.split(":"))) for part in sys.argv[4:]])
