# A round of tests/torture/ways: draws from a seed how updates reach their handler, sends some, pushes others, and kills tgrun, the webhook's
# server, handlers and pushing commands meanwhile; then lets all of it come to its end. ways_check.py judges what is left in the directory.
#
#   ways.py SEED SECONDS DIRECTORY URL     DIRECTORY is empty; the environment has TGRUN and TGRUN_TOKEN
#
# Into DIRECTORY: `sent`, a line of JSON for each update before it is sent, and for each push when its command is over; between the handlers'
# lines of `notes` `K MS WHAT`, when something was killed; and `end`: dead letters, what still waits, what went wrong on the way.
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request

HANDLER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ways_handler.py")
PATIENCE = 240  # seconds, for what takes one or two
# 69, 75: nobody answers, or only half; a runner that starts or was killed a moment ago
PUSH_MAY = (0, 69, 75, -signal.SIGKILL)


def ms():
    return time.monotonic_ns() // 1000000


class Round:
    def __init__(self, seed, seconds, directory, url):
        self.rng, self.pushes = random.Random("acts %s" % seed), random.Random("pushes %s" % seed)
        self.seconds, self.directory, self.url = seconds, directory, url
        plan = random.Random("plan %s" % seed)
        self.mode = plan.choice(["web", "web", "web", "batch", "batch", "worker", "exec"])
        self.by = plan.choice(["/message/media_group_id", "chat"]) if self.mode in ("batch", "worker") else None
        self.chats, self.places = plan.randint(4, 10), plan.randint(2, 8)
        self.notes = os.open(directory + "/notes", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.sent = open(directory + "/sent", "w", encoding="utf-8")
        self.log = open(directory + "/tgrun.log", "a", encoding="utf-8")
        self.last, self.port, self.run, self.server, self.wrongs = 0, 0, None, None, []
        self.lock, self.over, self.album = threading.Lock(), False, None
        self.env = dict(os.environ, WAYS=directory)

    def note_kill(self, what):
        os.write(self.notes, ("K %d %s\n" % (ms(), what)).encode())

    def say(self, **what):
        with self.lock:
            self.sent.write(json.dumps(what) + "\n")
            self.sent.flush()

    def post(self, path, body):
        with urllib.request.urlopen("%s/sandbox/%s" % (self.url, path), body, timeout=60) as answer:
            return answer.read()

    def command(self, *words):
        return [os.environ["TGRUN"], *words, "--state-dir", self.directory + "/state"]

    def ask(self, *words):
        done = subprocess.run(self.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, check=False, timeout=PATIENCE)
        return [json.loads(line) for line in done.stdout.splitlines()]

    # Who runs.

    def serve(self):
        if os.path.exists(self.directory + "/port"):
            os.unlink(self.directory + "/port")
        self.server = subprocess.Popen([sys.executable, "-I", HANDLER, "web", str(self.port)], stdin=subprocess.DEVNULL, env=self.env)
        while not os.path.exists(self.directory + "/port"):
            if self.server.poll() is not None:
                raise SystemExit("the server ended with %d" % self.server.returncode)
            time.sleep(0.01)
        with open(self.directory + "/port", encoding="ascii") as f:
            self.port = int(f.read())

    def start(self):
        options = ["--handler", "http://127.0.0.1:%d/hook" % self.port] if self.mode == "web" else \
            ["--handler", "%s -I -S %s %s" % (sys.executable, HANDLER, self.mode)]
        options += {"batch": ["--mode", "batch", "--batch-size", "5"], "worker": ["--workers", "2"]}.get(self.mode, [])
        # A handler that is killed failed; what is bad, is refused.
        options += ["--on-failure", "retry"] if self.mode != "web" else []
        options += ["--batch-by", self.by, "--batch-wait", "100ms"] if self.by else []
        self.run = subprocess.Popen(self.command("run", "--api-url", self.url, "--concurrency", str(self.places), "--poll-timeout", "2", "--timeout", "20s",
                                                 "--retry-delay", "30ms", "--max-attempts", "1000", "--breaker", "0", *options),
                                    stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=self.env)

    def kill(self, process, what):
        self.note_kill(what)
        process.kill()
        process.wait()

    def handlers(self):
        found = []
        for slot in self.children(self.run.pid):
            found += self.children(slot)
        return found

    def children(self, pid):
        try:
            with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
                return [int(word) for word in f.read().split()]
        except OSError:
            return []

    # What comes.

    def message(self):
        rng, self.last = self.rng, self.last + 1
        name, chat = "u%d" % self.last, 1 + rng.randrange(self.chats)
        words = rng.choice([""] * 12 + ["bad", "later", "later"])
        one = {"message_id": self.last, "date": 1, "chat": {"id": chat, "type": "private"}, "from": {"id": chat, "is_bot": False, "first_name": "u"}}
        # An album comes in a row, and often all at once.
        if self.album and rng.random() < 0.7:
            chat, album = self.album
            one["chat"]["id"] = one["from"]["id"] = chat
        else:
            album = "a%d" % self.last if rng.random() < 0.4 else None
            self.album = (chat, album) if album else None
        if album:
            one.update(media_group_id=album, caption="%s %s" % (name, words), photo=[])
        else:
            one["text"] = "%s %s" % (name, words)
        self.say(name=name, chat=chat, album=album, at=self.last, bad=words == "bad")
        return json.dumps({"update_id": self.last, "message": one}) + "\n"

    def send(self):
        self.post("push", "".join(self.message() for _ in range(self.rng.randint(1, 12))).encode())

    def push(self):
        """Pushes one after the other, some of them later, while all else goes on."""
        rng, number = self.pushes, 0
        while not self.over:
            number += 1
            name, chat, after = "p%d" % number, 1 + rng.randrange(self.chats), rng.choice([0, 0, 0, 150, 700, 1500])
            note = json.dumps({"note": {"chat": {"id": chat}, "text": "%s %s" % (name, rng.choice(["", "", "later"]))}})
            began = ms()
            done = subprocess.Popen(self.command("push", "--after", "%dms" % after), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                    env=self.env)
            if rng.random() < 0.05:
                time.sleep(rng.random() * 0.02)
                done.kill()
            try:
                _, said = done.communicate(note.encode(), timeout=PATIENCE)
            except BrokenPipeError:
                said = b""
                done.wait()
            if done.returncode not in PUSH_MAY:
                self.wrongs.append("tgrun push ends with %d: %s" % (done.returncode, said.decode(errors="replace")))
            self.say(name=name, chat=chat, push=True, due=[began + after, ms() + after], kept=done.returncode == 0, bad=False)
            time.sleep(rng.random() * rng.choice([0.02, 0.2]))

    # What is done to it.

    def something(self):
        # What was gathered is known only where nobody was killed just before.
        what = self.rng.choice(["nothing"] * (8 if self.by else 2) + ["runner", "runner", "term", "handler", "handler", "slot"])
        if self.run.poll() is not None:
            self.wrongs.append("tgrun ended by itself, with status %d" % self.run.returncode)
            self.start()
        if what == "runner":
            self.kill(self.run, what)
            time.sleep(self.rng.choice([0, 0, 0.3]))
            self.start()
        elif what == "term":
            self.note_kill(what)
            self.run.terminate()
            self.run.wait(PATIENCE)
            self.start()
        elif what == "handler" and self.mode == "web":
            self.kill(self.server, what)
            time.sleep(self.rng.choice([0, 0, 0.2]))
            self.serve()
        elif what in ("handler", "slot"):
            some = self.handlers() if what == "handler" else self.children(self.run.pid)
            if some:
                self.note_kill(what)
                try:
                    os.kill(self.rng.choice(some), signal.SIGKILL)
                except OSError:
                    pass

    def waits(self):
        return json.loads(self.post("stats", None))["pending"] or self.ask("queue", "list", "--json")

    def play(self):
        until = time.monotonic() + self.seconds
        if self.mode == "web":
            self.serve()
        self.start()
        pusher = threading.Thread(target=self.push)
        pusher.start()
        while time.monotonic() < until:
            self.send()
            time.sleep(self.rng.random() * self.rng.choice([0.1, 0.3, 1]))
            self.something()
        self.over = True
        pusher.join()
        open(self.directory + "/calm", "w", encoding="ascii").close()
        until = time.monotonic() + PATIENCE
        while (waits := self.waits()) and time.monotonic() < until and self.run.poll() is None:
            time.sleep(0.2)
        self.run.terminate()
        if self.run.wait(PATIENCE):
            self.wrongs.append("told to stop when nothing is to be done, tgrun ends with %d" % self.run.returncode)
        if self.server:
            self.server.kill()
            self.server.wait()
        with open(self.directory + "/end", "w", encoding="utf-8") as f:
            json.dump({"mode": self.mode, "by": self.by, "dead": self.ask("dead", "list", "--json"), "waits": waits, "wrong": self.wrongs}, f)


Round(sys.argv[1], float(sys.argv[2]), sys.argv[3], sys.argv[4]).play()
