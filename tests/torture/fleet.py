# A round of tests/torture/fleet: several tgruns, a PostgreSQL server, and what can happen to each, drawn from a seed; then all of it works again,
# and comes to its end. fleet_check.py judges what is left in the directory.
#
#   fleet.py MODE SEED SECONDS DIRECTORY SERVERS URL     SERVERS: an absent directory for the server's files
#
# The environment has TGRUN, OLDER (a tgrun that is an older member of a fleet), PROBE and TGRUN_TOKEN. The modes are those of tests/torture/fleet,
# which has made the namespaces that a mode asks for. Into DIRECTORY: `notes.NODE`, by the handlers (tests/tools/probe --alive); `NODE.log`; `acts`,
# what was done; `end`, what the database and the sandbox have in the end, what was done how often, and what went wrong on the way.
import collections
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pq

LEASE = 5.0     # seconds
PATIENCE = 180  # seconds, for what takes some
BOT = os.environ["TGRUN_TOKEN"].split(":")[0]
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] if os.getuid() == 0 else []
BIN = subprocess.run(["tests/postgres", "bin"], stdout=subprocess.PIPE, check=True, text=True).stdout.strip()
FAKETIME = "/usr/lib/%s-linux-gnu/faketime/libfaketime.so.1" % os.uname().machine
HUB, TELEGRAM = "10.77.0.", "10.78.0."  # what the nodes of the mode `links` reach the server by, and the sandbox

EACH = ["kill", "kill", "slot", "stop", "freeze", "terminate", "backend", "term"]
FAULTS = {
    "main": EACH + ["stall", "cut", "restart", "crash"],
    "pooler": EACH + ["stall", "cut", "restart", "bouncer"],
    "sync": EACH + ["stall", "cut"],
    "async": ["kill", "stop", "cut"],
    "disk": ["full", "full", "kill", "stop", "cut"],
    "older": EACH + ["stall", "cut"],
    "clocks": EACH + ["stall", "cut", "restart"],
    "links": EACH + ["unplug", "unplug", "unplug"],
    "unguarded": ["stop"],
}


def run(*words, **more):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True, **more)
    if done.returncode:
        raise SystemExit("%s: %s" % (" ".join(words), done.stdout))
    return done.stdout


def faked(offset):  # the environment of a machine with another time of day
    return {"LD_PRELOAD": FAKETIME, "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def children(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
            return [int(word) for word in f.read().split()]
    except OSError:
        return []


def below(pid):
    found = children(pid)
    for child in list(found):
        found += below(child)
    return found


def command(pid):
    try:
        with open("/proc/%d/cmdline" % pid, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


class Proxy:
    """From a port of its own to another address: stalled it carries nothing and closes nothing; cut() resets what is open."""

    def __init__(self, to, at=("127.0.0.1", 0)):
        self.to, self.going, self.pairs = to, threading.Event(), []
        self.going.set()
        self.listening = socket.create_server(at, backlog=64)
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listening.accept()
            self.going.wait()
            try:
                far = socket.create_connection(self.to, 5)
                far.settimeout(None)
            except OSError:
                near.close()
                continue
            self.pairs = [pair for pair in self.pairs if pair[0].fileno() >= 0] + [(near, far)]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=(one, other), daemon=True).start()

    def carry(self, one, other):
        try:
            while data := one.recv(65536):
                self.going.wait()
                other.sendall(data)
        except OSError:
            pass
        for s in (one, other):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        # By the second of the two that carry, if it is not already.
        one.close()

    def cut(self):
        for pair in self.pairs:
            for s in pair:
                try:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


class Server:
    """A PostgreSQL server, on a TCP port and on a socket in its own directory."""

    def __init__(self, home, settings=(), within=(), address="127.0.0.1", env=None):
        self.home, self.data, self.within, self.address = home, home + "/data", list(within), address
        self.env = ["env"] + ["%s=%s" % pair for pair in (env or {}).items()]
        self.port = free_port()
        self.process = None
        self.settings = ["-p%d" % self.port, "-k%s" % home] + ["-c%s" % one for one in (
            "listen_addresses=" + address, "max_connections=100", "shared_buffers=16MB", "wal_sender_timeout=10s", "max_wal_size=64MB",
            "log_min_messages=error", "dynamic_shared_memory_type=mmap", *settings)]
        self.url = "postgresql://%%s@/%%s?host=%s&port=%d" % (home, self.port)

    def make(self):
        self.nobody("%s/initdb" % BIN, "-D", self.data, "-A", "trust", "-U", "tg", "--no-locale", "-E", "UTF8", "--no-sync", "--wal-segsize=1")
        with open(self.data + "/pg_hba.conf", "a", encoding="ascii") as f:
            f.write("host all all %s0/24 trust\n" % HUB)
        self.start()
        db = self.connect("postgres")
        for statement in ("CREATE ROLE bot LOGIN", "CREATE DATABASE bots TEMPLATE template0"):
            db(statement)
        db.close()

    def nobody(self, *words):
        return run(*self.within, *NOBODY, *words, cwd="/")

    def start(self, patience=60):
        until = time.monotonic() + patience
        with open(self.home + "/log", "a", encoding="utf-8") as log:
            while True:
                if self.process is None or self.process.poll() is not None:
                    self.process = subprocess.Popen([*self.within, *NOBODY, *self.env, "%s/postgres" % BIN, "-D", self.data, *self.settings],
                                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
                try:
                    self.connect("postgres").close()
                    return
                except pq.Error as error:
                    if time.monotonic() > until:
                        raise SystemExit("the server does not start: %s" % error) from error
                time.sleep(0.05)

    def stop(self, how):
        send(self.process.pid, {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}[how])
        self.process.wait(PATIENCE)

    def parts(self, name):
        return [pid for pid in children(self.process.pid) if name in command(pid)]

    def crash(self):
        for one in [self.process.pid] + below(self.process.pid):
            send(one, signal.SIGKILL)
        self.process.wait()

    def connect(self, database="bots"):
        return pq.Connection(self.url % ("tg", database))


class Node:
    def __init__(self, rounds, name, store, within=(), env=None, program=None, url=None):
        self.round, self.name, self.store, self.within = rounds, name, store, list(within)
        self.env, self.program, self.url = env or {}, program or os.environ["TGRUN"], url or rounds.url
        self.proxies, self.link, self.busy, self.process = [], None, False, None

    def start(self):
        directory = self.round.directory
        with open("%s/%s.log" % (directory, self.name), "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [*self.within, self.program, "--api-url", self.url, "--state-dir", "%s/state.%s" % (directory, self.name), "--node", self.name,
                 "--store", self.store, "--lease", "%ds" % LEASE, "--key", "chat,user", "--concurrency", "5", "--retry-delay", "20ms",
                 "--on-failure", "retry", "--max-attempts", "100000", "--breaker", "0", "--poll-timeout", "1", "--reply", "text", "--rate",
                 "chat=0,group=0,bulk=0", "--", os.environ["PROBE"], "--alive", "%s/notes.%s" % (directory, self.name), "50000", "11",
                 # Of what is not killed, most live on until others have taken over.
                 "16" if self.round.mode == "unguarded" else "8"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(os.environ, **self.env))

    def everything(self):
        return [self.process.pid] + below(self.process.pid)


class Round:
    def __init__(self, mode, seed, seconds, directory, servers, url):
        self.mode, self.seconds, self.directory, self.servers, self.url = mode, seconds, directory, servers, url
        self.rng, self.mail = random.Random("faults %s" % seed), random.Random("mail %s" % seed)
        self.acts = open(directory + "/acts", "w", encoding="utf-8", buffering=1)
        self.count, self.wrongs, self.sent, self.half, self.more = {}, [], 0, False, {}
        self.read, self.done, self.holders = {}, set(), []
        self.nodes, self.standby, self.bouncer, self.timers = [], None, None, []

    def act(self, what, node="-", **more):
        self.acts.write(json.dumps(dict(more, at=time.monotonic_ns() // 1000, what=what, node=node)) + "\n")

    def post(self, path, body=None):
        with urllib.request.urlopen("%s/sandbox/%s" % (self.url, path), body, timeout=60) as answer:
            return answer.read().decode()

    def sql(self, statement, patience=60.0):
        """On the server that is the primary now; None if there was none for so long."""
        until = time.monotonic() + patience
        while True:
            try:
                db = self.primary.connect()
                try:
                    return db(statement.replace("@S@", "tgrun_" + BOT))
                finally:
                    db.close()
            except pq.Error as error:
                if time.monotonic() > until:
                    self.wrongs.append("the server does not answer: %s" % error)
                    return None
                time.sleep(0.2)

    def later(self, seconds, act):
        timer = threading.Timer(seconds, act)
        timer.start()
        self.timers.append(timer)

    # What there is.

    def make(self):
        os.makedirs(self.servers)
        os.chmod(self.servers, 0o755)
        settings, within, address, env = [], [], "127.0.0.1", None
        if self.mode == "sync":
            settings = ["synchronous_standby_names=standby"]
        if self.mode == "disk":
            run("mount", "-t", "tmpfs", "-o", "size=120m", "none", self.servers)
            settings = ["max_wal_size=8MB", "wal_keep_size=0"]
        if self.mode == "links":
            within, address = self.network("server", 1), HUB + "1"
        if self.mode == "clocks":
            env = faked("+1800s")
            run("mount", "-t", "tmpfs", "none", "/dev/shm")  # libfaketime leaves files there
        home = self.servers + "/one"
        os.mkdir(home)
        shutil.chown(home, 65534 if NOBODY else None)
        # The standby is synchronous only once there is one.
        self.primary = Server(home, [] if self.mode == "sync" else settings, within, address, env)
        self.primary.make()
        run(os.environ["TGRUN"], "fleet", "init", "--store", self.primary.url % ("tg", "bots"), "--role", "bot")
        if self.mode in ("sync", "async"):
            self.make_standby(settings)
        if self.mode == "older":
            self.sql("UPDATE @S@.meta SET min_client = 0")
        if self.mode == "pooler":
            self.bouncer = free_port()
            self.start_bouncer()
        for number, name in enumerate("abc"):
            self.nodes.append(self.node(number, name))
        for node in self.nodes:
            node.start()

    def node(self, number, name):
        if self.mode == "links":
            within = self.network(name, 10 + number)
            # The same for all: another URL is another source.
            at = (TELEGRAM + "254", int(self.url.rsplit(":", 1)[1]))
            if not number:
                Proxy(("127.0.0.1", at[1]), at)
            node = Node(self, name, "postgresql://bot@%s:%d/bots" % (self.primary.address, self.primary.port), within, url="http://%s:%d" % at)
            node.link = "hub%d" % (10 + number)
            return node
        ports = [self.bouncer or self.primary.port] + ([self.standby.port] if self.standby else [])
        proxies = [Proxy(("127.0.0.1", port)) for port in ports]
        store = "postgresql://bot@%s/bots%s" % (",".join("127.0.0.1:%d" % one.port for one in proxies),
                                               "?target_session_attrs=read-write" if self.standby else "")
        node = Node(self, name, store)
        if self.mode == "clocks" and name != "a":
            node.env = faked("+3600s" if name == "b" else "-3600s")
        if self.mode == "older" and name == "c":
            node.program = os.environ["OLDER"]
        node.proxies = proxies
        return node

    def network(self, name, number):
        """A network namespace that ends with its holder: how to run something in it."""
        holder = subprocess.Popen(["unshare", "-n", "sleep", "100000"], stdin=subprocess.DEVNULL)
        own = os.readlink("/proc/self/ns/net")
        while os.readlink("/proc/%d/ns/net" % holder.pid) == own:
            time.sleep(0.01)
        self.holders.append(holder)
        within = ["nsenter", "-t", str(holder.pid), "-n"]
        for bridge, net in (("hub", HUB), ("tg", TELEGRAM)):
            if not os.path.exists("/proc/sys/net/ipv4/conf/" + bridge):
                run("ip", "link", "add", bridge, "type", "bridge")
                run("ip", "addr", "add", net + "254/24", "dev", bridge)
                run("ip", "link", "set", bridge, "up")
            here, there = bridge + str(number), bridge
            run("ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", str(holder.pid))
            run("ip", "link", "set", here, "master", bridge, "up")
            run(*within, "ip", "addr", "add", "%s%d/24" % (net, number), "dev", there)
            run(*within, "ip", "link", "set", there, "up")
        run(*within, "ip", "link", "set", "lo", "up")
        return within

    def make_standby(self, settings):
        home = self.servers + "/two"
        os.mkdir(home)
        shutil.chown(home, 65534 if NOBODY else None)
        self.standby = Server(home)
        self.standby.nobody("%s/pg_basebackup" % BIN, "-D", self.standby.data, "-R", "-c", "fast", "--no-sync", "-d",
                            "host=127.0.0.1 port=%d user=tg application_name=standby" % self.primary.port)
        self.standby.start()
        until = time.monotonic() + PATIENCE
        while not self.sql("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"):
            if time.monotonic() > until:
                raise SystemExit("the standby does not stream")
            time.sleep(0.1)
        for one in settings:
            self.sql("ALTER SYSTEM SET %s = '%s'" % tuple(one.split("=")))
        self.sql("SELECT pg_reload_conf()")

    def start_bouncer(self):
        home = self.servers + "/bouncer"
        os.makedirs(home, exist_ok=True)
        with open(home + "/users", "w", encoding="ascii") as f:
            f.write('"bot" ""\n')
        with open(home + "/ini", "w", encoding="ascii") as f:
            f.write("[databases]\nbots = host=127.0.0.1 port=%d\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\n"
                    "auth_type = trust\nauth_file = %s/users\npool_mode = transaction\ndefault_pool_size = 2\n" % (self.primary.port, self.bouncer, home))
        with open(home + "/log", "a", encoding="utf-8") as log:
            self.bouncing = subprocess.Popen([*NOBODY, shutil.which("pgbouncer", path="/usr/sbin:" + os.environ["PATH"]), home + "/ini"],
                                             stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")

    # What is done to it. Of a node only one thing at a time.

    def fault(self):
        what, node = self.rng.choice(FAULTS[self.mode]), self.rng.choice(self.nodes)
        lasts = LEASE * self.rng.choice([0.2, 0.5, 1.2, 1.6]) if self.mode != "unguarded" else LEASE * 1.6
        if what in ("kill", "slot", "stop", "freeze", "term", "stall", "cut", "unplug"):
            # Somebody has to be there who takes over what the slots go on with.
            if node.busy or (self.mode == "unguarded" and any(one.busy for one in self.nodes)):
                return
            if node.process.poll() is not None:
                self.wrongs.append("%s ended by itself, with status %d" % (node.name, node.process.returncode))
                node.start()
        self.count[what] = self.count.get(what, 0) + 1
        getattr(self, "do_" + what)(node, lasts)

    def do_kill(self, node, lasts):
        self.act("kill", node.name)
        node.process.kill()
        node.process.wait()
        node.busy = True
        self.later(self.rng.choice([0, 0, lasts]), lambda: self.again(node))

    def do_term(self, node, lasts):
        self.act("term", node.name)
        node.process.terminate()
        node.busy = True
        self.later(0.1, lambda: self.await_end(node))

    def await_end(self, node):
        try:
            status = node.process.wait(PATIENCE)
            with open("%s/%s.log" % (self.directory, node.name), encoding="utf-8", errors="replace") as f:
                last = collections.deque(f, 3)
            # The server, or the way to it, may be down just then.
            if status and not (status == 69 and any("what ended last is not written, and will be handled once more" in line for line in last)):
                self.wrongs.append("%s ends with %d when it is told to" % (node.name, status))
        except subprocess.TimeoutExpired:
            self.wrongs.append("%s does not end when it is told to" % node.name)
            node.process.kill()
            node.process.wait()
        self.again(node)

    def again(self, node):
        node.start()
        node.busy = False

    def do_slot(self, node, lasts):
        if slots := children(node.process.pid):
            self.act("slot", node.name)
            send(self.rng.choice(slots), signal.SIGKILL)

    def do_stop(self, node, lasts):
        self.act("stop", node.name)
        send(node.process.pid, signal.SIGSTOP)
        node.busy = True
        self.later(lasts, lambda: self.go_on(node, [node.process.pid]))

    def do_freeze(self, node, lasts):
        """All of a machine: what it starts meanwhile cannot be."""
        node.busy = True
        stopped = []
        while more := [pid for pid in node.everything() if pid not in stopped]:
            for pid in more:
                send(pid, signal.SIGSTOP)
            stopped += more
        self.act("freeze", node.name)
        self.later(lasts, lambda: self.go_on(node, stopped))

    def go_on(self, node, stopped):
        self.act("thaw", node.name)
        for pid in stopped:
            send(pid, signal.SIGCONT)
        node.busy = False

    def do_stall(self, node, lasts):
        self.act("stall", node.name)
        node.busy = True
        for proxy in node.proxies:
            proxy.going.clear()
        ends = self.rng.random() < 0.5
        self.later(lasts, lambda: self.flow(node, ends))

    def flow(self, node, ends):
        self.act("flow", node.name)
        for proxy in node.proxies:
            if ends:
                proxy.cut()
            proxy.going.set()
        node.busy = False

    def do_cut(self, node, lasts):
        self.act("cut", node.name)
        for proxy in node.proxies:
            proxy.cut()

    def do_unplug(self, node, lasts):
        self.act("unplug", node.name)
        node.busy = True
        run("ip", "link", "set", node.link, "down")
        self.later(lasts, lambda: self.plug(node))

    def plug(self, node):
        self.act("plug", node.name)
        run("ip", "link", "set", node.link, "up")
        node.busy = False

    def do_terminate(self, node, lasts):
        self.act("terminate")
        self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'bot'")

    def do_backend(self, node, lasts):
        self.act("backend")
        for row in self.sql("SELECT pid FROM pg_stat_activity WHERE usename = 'bot' ORDER BY random() LIMIT 1") or []:
            send(row[0], signal.SIGKILL)

    def do_restart(self, node, lasts):
        how = self.rng.choice(["fast", "immediate"])
        self.act("restart " + how)
        self.primary.stop(how)
        time.sleep(self.rng.choice([0, 0.5, 2]))
        self.primary.start()

    def do_crash(self, node, lasts):
        self.act("crash")
        self.primary.crash()
        time.sleep(self.rng.choice([0, 0.5, 2]))
        self.primary.start()

    def do_bouncer(self, node, lasts):
        self.act("bouncer")
        self.bouncing.kill()
        self.bouncing.wait()
        time.sleep(self.rng.choice([0, 0.5, 2]))
        self.start_bouncer()

    def do_full(self, node, lasts):
        self.act("full")
        name = self.servers + "/filler"
        with open(name, "wb", buffering=0) as f:
            until = time.monotonic() + min(lasts, 4)
            while time.monotonic() < until:
                try:
                    f.write(b"x" * 65536)
                except OSError:
                    time.sleep(0.05)
        os.unlink(name)
        self.act("room")
        # A server whose log has no room ends by itself.
        if self.primary.process.poll() is not None:
            self.count["ended"] = self.count.get("ended", 0) + 1
        self.primary.start()

    # Once in a round.

    def halfway(self):
        if self.mode in ("sync", "async"):
            self.fail_over()
        if self.mode == "older":
            # From now on a schema that does not take the old one any more: it drains, and ends.
            self.act("min_client")
            node = self.nodes[2]
            while node.busy:
                time.sleep(0.05)
            node.busy = True
            self.sql("UPDATE @S@.meta SET min_client = 1")
            self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'bot'")
            try:
                status = node.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                status = None
                node.process.kill()
                node.process.wait()
            if status != 78:
                self.wrongs.append("a program that is too old for the schema ends with %s" % status)
            node.program = os.environ["TGRUN"]
            self.again(node)

    def fail_over(self):
        if self.mode == "async":
            # What the standby has not got is lost: it has all that is confirmed to Telegram until here.
            self.more["safe"] = json.loads(self.post("stats"))["offset"] - 1
            at = self.sql("SELECT pg_current_wal_insert_lsn()::text")[0][0]
            until = time.monotonic() + PATIENCE
            while not self.sql("SELECT 1 FROM pg_stat_replication WHERE flush_lsn >= '%s'" % at):
                if time.monotonic() > until:
                    raise SystemExit("the standby does not follow")
                time.sleep(0.05)
            self.more["lag_from"] = time.monotonic_ns() // 1000
            receiver = self.standby.parts("walreceiver")
            for pid in receiver:
                send(pid, signal.SIGSTOP)
            time.sleep(0.6)
        self.act("failover")
        self.primary.crash()
        if self.mode == "async":
            for pid in receiver:
                send(pid, signal.SIGTERM)
                send(pid, signal.SIGCONT)
            self.more["offset"] = json.loads(self.post("stats"))["offset"] - 1
        self.standby.nobody("%s/pg_ctl" % BIN, "-D", self.standby.data, "-w", "-t", "60", "promote")
        self.primary, self.standby = self.standby, None
        self.more["lag_to"] = time.monotonic_ns() // 1000

    # The course of it.

    def send_some(self):
        """Some updates, of chats and users that cross; not many more than are handled."""
        if self.sent - self.handled() > 150:
            return
        lines = []
        for _ in range(self.mail.randint(1, 12)):
            self.sent += 1
            lines.append(json.dumps({"message": {
                "message_id": self.sent, "date": 1, "text": "t", "chat": {"id": -100 - self.mail.randrange(15), "type": "supergroup", "title": "g"},
                "from": {"id": 1 + self.mail.randrange(40), "is_bot": False, "first_name": "u"}}}))
        self.post("push", "\n".join(lines).encode())

    def handled(self):
        return len(self.well())

    def well(self):
        """The updates that a handler ended well."""
        for node in self.nodes:
            name = "%s/notes.%s" % (self.directory, node.name)
            if not os.path.exists(name):
                continue
            with open(name, encoding="ascii") as f:
                f.seek(self.read.get(name, 0))
                while (line := f.readline()).endswith("\n"):
                    self.read[name] = f.tell()
                    what, number, *_, status = line.split("\t")
                    if what == "end" and status == "0\n":
                        self.done.add(int(number))
        return self.done

    def play(self):
        self.make()
        begin = time.monotonic()
        while (now := time.monotonic()) < begin + self.seconds:
            self.send_some()
            if not self.half and now > begin + self.seconds / 2:
                self.half = True
                self.halfway()
            if now > begin + 3:
                self.fault()
            time.sleep(self.rng.random() * self.rng.choice([0.2, 0.6, 2]))
        for timer in self.timers:
            timer.join()
        self.act("calm")
        # Whoever is left out of the fleet shows now: each is there, and has its part.
        time.sleep(1)
        for _ in range(3):
            self.send_some()
        self.settle()
        self.stop()

    def settle(self):
        until, left, names = time.monotonic() + PATIENCE, None, None
        while time.monotonic() < until:
            rows = self.sql("SELECT unfinished, calls FROM @S@.totals")
            left = rows[0] if rows else None
            names = [row[0] for row in self.sql("SELECT name FROM @S@.fleet WHERE beat_age_ms < %d ORDER BY name" % (LEASE * 1000)) or []]
            pending = json.loads(self.post("stats"))["pending"]
            if left == [0, 0] and names == [node.name for node in self.nodes] and not pending:
                return
            time.sleep(0.2)
        self.wrongs.append("when all works again, [updates, messages] %s wait, %s at Telegram's, and the fleet is %s" % (left, pending, names))

    def stop(self):
        end = {"mode": self.mode, "sent": self.sent, "count": self.count, "more": self.more, "lease": LEASE}
        end["audit"] = self.sql("SELECT fault, seq FROM @S@.audit")
        end["dead"] = {str(row[0]): row[1] for row in self.sql("SELECT update_id, reason FROM @S@.letters") or []}
        end["failed"] = self.sql("SELECT method, reason FROM @S@.outbox WHERE failed IS NOT NULL")
        end["deliveries"] = [json.loads(line) for line in self.post("deliveries").splitlines()]
        for node in self.nodes:
            node.process.terminate()
        for node in self.nodes:
            node.busy = False
            try:
                if status := node.process.wait(PATIENCE):
                    self.wrongs.append("%s ends with %d when nothing is to be done" % (node.name, status))
            except subprocess.TimeoutExpired:
                self.wrongs.append("%s does not end when nothing is to be done" % node.name)
                node.process.kill()
        if self.bouncer:
            self.bouncing.kill()
        self.primary.stop("fast")
        if self.standby:
            self.standby.stop("fast")
        for holder in self.holders:
            holder.kill()
        end["wrong"] = self.wrongs
        with open(self.directory + "/end", "w", encoding="utf-8") as f:
            json.dump(end, f)


Round(sys.argv[1], sys.argv[2], float(sys.argv[3]), *sys.argv[4:7]).play()
