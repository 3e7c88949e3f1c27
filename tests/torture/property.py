# A round of tests/torture/property: draws from a seed how tgrun is told to run, what is sent to it and what is done to it meanwhile, and does
# that; then lets it come to its end in peace. property_handler.py is the handler, property_check.py judges what is left in the directory.
#
#   property.py SEED SECONDS DIRECTORY URL     DIRECTORY is empty; the environment has TGRUN, TGRUN_TOKEN, MACHINE (machine.so)
#
# Into DIRECTORY: `plan`, what was drawn; `sent`, an update a line, with its keys, before it is sent; `end`, the dead letters, what still waits,
# and what went wrong on the way; and between the handlers' lines of `notes`:
#
#   K WHAT PID MS         about to do that: runner (kill -9), term, slot, handler, and others that kill nothing
#   V VERB UPDATE         about to ask for that: retry, drop, skip; skipped: that was done
#   R STATUS MS           a run of tgrun has ended
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request

HANDLER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "property_handler.py")
ACTS = {"nothing": 40, "runner": 6, "all": 3, "frozen": 1, "term": 5, "hup": 4, "stop": 4, "slot": 6, "handler": 6, "pause": 3, "skip": 3,
        "letters": 5, "broken": 3, "full": 2, "server": 4}
SERVER = ['{"status":502,"body":""}', '{"action":"cut","after":40}', '{"action":"reset","permille":700}',
          '{"status":409,"body":"{\\"ok\\":false,\\"error_code\\":409,\\"description\\":\\"Conflict\\"}"}']
PATIENCE = 150  # seconds, for what takes one or two


def draw_plan(seed):
    rng = random.Random("plan %s" % seed)
    return {
        "seed": seed,
        "mode": rng.choice(["exec", "exec", "batch", "worker", "routes"]),
        "keys": rng.choice([["chat"], ["chat"], ["user"], ["topic"], ["none"], ["chat", "user"]]),
        "bypass": rng.choice([[], ["/stop"], ["/stop", "callback_query"]]),
        "concurrency": rng.randint(2, 8),
        "on_failure": rng.choice(["dead", "retry", "drop"]),
        "max_attempts": rng.randint(1, 4),
        "retry_ms": rng.choice([50, 300]),
        "breaker": rng.choice([0, 0, 3]),
        "timeout_ms": rng.choice([2000, 4000]),
        "kill_after_ms": rng.choice([0, 200, 500]),
        "shutdown_ms": rng.choice([0, 500, 3000]),
        "background": rng.choice(["wait", "kill", "leave"]),
        "places": rng.choice([1, 1, 3]),
        "workers": ["workers = %d" % rng.randint(1, 3), "sticky = %s" % rng.choice(["yes", "no"])]
        + rng.choice([[], ["max-requests = 15"], ["max-worker-age = 3s"]]),
        "batch": ["mode = batch", "batch-size = %d" % rng.randint(2, 8), "batch-wait = %s" % rng.choice(["0", "50ms"])],
        "backlog": rng.choice([15, 100000]),
        "chats": rng.randint(3, 12),
    }


class Round:
    def __init__(self, seed, seconds, directory, url):
        self.rng = random.Random("acts %s" % seed)
        self.seconds, self.directory, self.url = seconds, directory, url
        self.plan = draw_plan(seed)
        with open(directory + "/plan", "w", encoding="utf-8") as f:
            json.dump(self.plan, f)
        self.notes = os.open(directory + "/notes", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.sent = open(directory + "/sent", "w", encoding="utf-8")
        self.log = open(directory + "/tgrun.log", "a+", encoding="utf-8", errors="replace")
        self.last, self.wrongs, self.run, self.began = 0, [], None, 0
        self.env = dict(os.environ, PROPERTY=directory, PROPERTY_SEED=str(seed), PROPERTY_BACKGROUND=self.plan["background"],
                        PROPERTY_PLACES=str(self.plan["places"]))

    # What it says, and whom it asks.

    def note(self, *fields):
        os.write(self.notes, ("\t".join(map(str, fields)) + "\n").encode())

    def act(self, what, pid=0):
        self.note("K", what, pid, time.monotonic_ns() // 1000000)

    def flag(self, name, on):
        if on:
            open(self.directory + "/" + name, "w", encoding="utf-8").close()
        elif os.path.exists(self.directory + "/" + name):
            os.unlink(self.directory + "/" + name)

    def post(self, path, body):
        with urllib.request.urlopen("%s/sandbox/%s" % (self.url, path), body, timeout=60) as answer:
            return answer.read()

    def ask(self, *words):
        done = subprocess.run([os.environ["TGRUN"], *words, "--state-dir", self.directory + "/state"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=self.log, check=False, timeout=PATIENCE)
        return [json.loads(line) for line in done.stdout.splitlines()] if "--json" in words else []

    def nap(self, seconds):
        time.sleep(self.rng.random() * seconds)

    # tgrun.

    def configure(self, full=False):
        plan = self.plan
        command = "%s -I -S %s " % (sys.executable, HANDLER)
        modes = {"exec": [], "batch": plan["batch"], "worker": plan["workers"], "routes": []}
        lines = ["handler = " + command + ("exec" if plan["mode"] == "routes" else plan["mode"])] + modes[plan["mode"]] + [
            "concurrency = %d" % self.rng.randint(max(2, plan["concurrency"] - 2), plan["concurrency"]),
            "retry-delay = %dms" % plan["retry_ms"],
            "max-attempts = %d" % plan["max_attempts"],
            "on-failure = " + plan["on_failure"],
            "breaker = %d" % plan["breaker"],
            "timeout = %dms" % plan["timeout_ms"],
            "kill-after = %dms" % self.rng.choice([plan["kill_after_ms"], 100]),
            "shutdown-timeout = %dms" % plan["shutdown_ms"],
            "background = " + plan["background"],
            "backlog = %d" % plan["backlog"],
            "min-free = %s" % ("1000000G" if full else "0"),
            "max-age = none",
            "poll-timeout = 2",
        ] + ["key = " + key for key in plan["keys"]] + ["bypass = " + match for match in plan["bypass"]]
        if plan["mode"] == "routes":
            lines += ['[route "callback_query"]', "handler = " + command + "worker"] + plan["workers"]
            lines += ['[route "/many"]', "handler = " + command + "batch"] + plan["batch"]
        with open(self.directory + "/tgrun.conf", "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")

    def start(self, *options, **env):
        self.configure()
        self.began = os.stat(self.directory + "/tgrun.log").st_size
        self.run = subprocess.Popen([os.environ["TGRUN"], "--config", self.directory + "/tgrun.conf", "--api-url", self.url, "--state-dir",
                                     self.directory + "/state", *options], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                    env=dict(self.env, **env))

    def polls(self):
        """Whether this run has said so: from then on it takes signals and questions."""
        self.log.seek(self.began)
        return " polling" in self.log.read()

    def ended(self):
        try:
            self.run.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.wrongs.append("tgrun does not end %d s after it was told to" % PATIENCE)
            self.run.kill()
            self.run.wait()
        self.note("R", self.run.returncode, time.monotonic_ns() // 1000000)
        return self.run.returncode

    def reload(self, full=False):
        self.configure(full)
        self.act("hup")
        self.run.send_signal(signal.SIGHUP)

    def terminate(self):
        """TERM, perhaps a second one, perhaps kill -9. Status 1 is for those who had to kill, which they may not before its time."""
        self.act("term")
        ready, at, hurried, killed = self.polls(), time.monotonic(), self.rng.random() < 0.3, self.rng.random() < 0.3
        self.run.terminate()
        if hurried:
            self.nap(0.2)
            self.run.terminate()
        if killed:
            self.nap(0.3)
            self.act("runner")
            self.run.kill()
        status = self.ended()
        may = [0] + [-15] * (not ready) + [-9] * killed
        if hurried or time.monotonic() - at >= self.plan["shutdown_ms"] / 1000:
            may.append(1)
        if status not in may:
            self.wrongs.append("told to stop (%s, a second time: %s), tgrun ends with %d" % (time.monotonic() - at, hurried, status))

    # What is sent, and what is done.

    def send(self, count):
        body = b""
        for _ in range(count):
            self.last += 1
            chat, user = -1000 - self.rng.randrange(self.plan["chats"]), 1 + self.rng.randrange(self.plan["chats"])
            thread = self.rng.choice([0, 5, 6])
            query = self.rng.random() < 0.15
            word = "x" if query else self.rng.choice(["x"] * 12 + ["/stop"] + ["/many"] * 5 * (self.plan["mode"] == "routes"))
            free = word in self.plan["bypass"] or (query and "callback_query" in self.plan["bypass"])
            names = {"chat": "c%d" % chat, "user": "u%d" % user, "topic": "t%d.%d" % (chat, thread)}
            keys = [] if free else [names[key] for key in self.plan["keys"] if key != "none"]
            text, sender = " ".join([word] + keys), {"id": user, "is_bot": False, "first_name": "u"}
            message = {"message_id": self.last, "date": 1, "text": text, "chat": {"id": chat, "type": "supergroup", "title": "t", "is_forum": True},
                       "from": sender}
            if word != "x":
                message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(word)}]
            if thread:
                message.update(message_thread_id=thread, is_topic_message=True)
            update = {"update_id": self.last, "message": message}
            if query:
                update = {"update_id": self.last, "callback_query": {"id": str(self.last), "from": sender, "chat_instance": "1", "data": text,
                                                                     "message": dict(message, text="a button")}}
            self.sent.write(json.dumps({"keys": keys, "free": free, "update": update}) + "\n")
            body += json.dumps(update).encode() + b"\n"
        self.sent.flush()
        self.post("push", body)

    def children(self, pid):
        try:
            with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
                return [int(word) for word in f.read().split()]
        except OSError:
            return []

    def kill(self, what, pids, number=signal.SIGKILL):
        for pid in pids:
            self.act(what, pid)
            try:
                os.kill(pid, number)
            except OSError:
                pass

    def some(self, things):
        return [self.rng.choice(things)] if things else []

    def something(self):
        what = self.rng.choices(list(ACTS), ACTS.values())[0]
        slots = self.children(self.run.pid)
        if self.run.poll() is not None:
            self.wrongs.append("tgrun ended by itself, with status %d" % self.run.returncode)
            what = "again"
        elif what in ("hup", "pause", "full", "frozen") and not self.polls():
            what = "nothing"
        if what in ("runner", "all", "frozen", "again"):
            if what == "frozen":
                self.kill("slot", self.some(slots), signal.SIGSTOP)
            self.kill("runner", [self.run.pid])
            if what == "all":
                self.kill("slot", slots)
            self.ended()
            self.start()
        elif what == "term":
            self.terminate()
            self.start()
        elif what == "hup":
            self.reload()
        elif what == "stop":
            self.act("stop")
            self.run.send_signal(signal.SIGSTOP)
            self.nap(self.rng.choice([0.3, 0.6, 5]))
            self.run.send_signal(signal.SIGCONT)
        elif what == "slot":
            self.kill("slot", self.some(slots))
        elif what == "handler":
            self.kill("handler", self.some([pid for slot in slots for pid in self.children(slot)]))
        elif what == "pause":
            self.ask("pause")
            self.send(3)
            self.nap(1)
            self.ask("resume")
        elif what == "skip":
            for item in self.some(self.ask("queue", "list", "--json")):
                self.note("V", "skip", item["update_id"])
                if "skipped" in str(self.ask("queue", "skip", str(item["number"]), "--json")):
                    self.note("V", "skipped", item["update_id"])
        elif what == "letters":
            for letter in self.some(self.ask("dead", "list", "--json")):
                verb = self.rng.choice(["retry", "retry", "drop"])
                self.note("V", verb, letter["update_id"])
                self.ask("dead", verb, str(letter["number"]), "--json")
        elif what == "broken":
            self.act("broken")
            self.flag("broken", True)
            self.send(30)
            self.nap(3)
            self.flag("broken", False)
            self.act("mended")
        elif what == "full":
            self.reload(True)
            self.send(3)
            self.nap(1)
            self.reload()
        elif what == "server":
            line = json.loads(self.rng.choice(SERVER))
            self.post("script", json.dumps(dict(line, method="getUpdates")).encode())

    def settle(self):
        """With handlers that succeed, on a machine whose clock runs fast: whatever waits must come to its end."""
        self.flag("calm", True)
        self.terminate()
        self.act("calm")
        self.start("--timeout", "30m", "--shutdown-timeout", "30m", "--kill-after", "5m", "--poll-timeout", "50", "--max-requests", "0",
                   "--max-worker-age", "0", "--backlog", "100000", LD_PRELOAD=os.environ["MACHINE"], MACHINE_SPEED="50")
        until = time.monotonic() + PATIENCE
        waits = True
        while waits and time.monotonic() < until and self.run.poll() is None:
            time.sleep(0.3)
            waits = json.loads(self.post("stats", None))["pending"] or self.ask("queue", "list", "--json")
        if waits:
            self.wrongs.append("after %d s of peace there still waits: %s" % (PATIENCE, waits))
        self.run.terminate()
        if self.ended() != 0:
            self.wrongs.append("told to stop when nothing is to be done, tgrun ends with %d" % self.run.returncode)

    def play(self):
        until = time.monotonic() + self.seconds
        self.start()
        while time.monotonic() < until:
            self.send(self.rng.randint(1, 8))
            self.nap(self.rng.choice([0.1, 0.5, 0.5, 2]))
            self.something()
        self.settle()
        with open(self.directory + "/end", "w", encoding="utf-8") as f:
            json.dump({"dead": self.ask("dead", "list", "--json"), "queue": self.ask("queue", "list", "--json"), "wrong": self.wrongs}, f)


Round(sys.argv[1], float(sys.argv[2]), sys.argv[3], sys.argv[4]).play()
