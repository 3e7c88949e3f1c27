# The handler of tests/torture/property, in every mode. How it ends is drawn from the seed, the update and how often that was tried. It holds a
# lock for each key, which all that it starts inherits: whoever finds one taken has seen two of a key at once.
#
#   property_handler.py exec|batch|worker     in the environment: PROPERTY, the directory of the round, and PROPERTY_SEED
#
# An update's text is "WORD KEY…": the keys are the test's own words for what --key asks for, none for what bypasses. In PROPERTY, `calm` makes
# every handler succeed, `broken` makes every one fail with status 2. What it does is a line of PROPERTY/notes, by one write(2) with O_APPEND:
#
#   S UPDATE RUN MODE ATTEMPT REDELIVERED PID PARENT MS SIZE     it begins; of a batch "-" for what it is not told, and how many it has
#   E RUN HOW MS                                                 about to end: a status, sigN, hang, slot (it kills its slot)
#   O UPDATE KEY                                                 another has the lock
#   X UPDATE WHAT                                                it was told something that cannot be so
import fcntl
import json
import os
import random
import select
import signal
import sys
import time

HOME = os.environ["PROPERTY"]
SEED = os.environ["PROPERTY_SEED"]
NOTES = os.open(HOME + "/notes", os.O_RDWR | os.O_APPEND)
FATES = {"0": 50, "75": 8, "111": 3, "1": 5, "65": 3, "255": 2, "sig9": 2, "sig11": 1, "sig15": 2, "hang": 3, "slot": 2,
         "background": 14, "output": 3}
BACKGROUND = os.environ["PROPERTY_BACKGROUND"]


def note(*fields):
    os.write(NOTES, ("\t".join(map(str, fields)) + "\n").encode())


def ms():
    return time.monotonic_ns() // 1000000


def told(flag):
    return os.path.exists(HOME + "/" + flag)


def draw_fate(update):
    """How this try of an update ends. One in sixty kills its slot each time."""
    tries = os.pread(NOTES, 1 << 24, 0).decode().count("S\t%s\t" % update)
    rng = random.Random("%s %s %d" % (SEED, update, tries))
    fate = rng.choices(list(FATES), FATES.values())[0]
    if random.Random("%s %s" % (SEED, update)).random() < 1 / 60:
        fate = "slot"
    return "0" if told("calm") else "2" if told("broken") else fate, rng


def lock(update, keys):
    held = []
    for key in keys:
        held.append(os.open("%s/lock.%s" % (HOME, key), os.O_WRONLY | os.O_CREAT, 0o600))
        try:
            fcntl.flock(held[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            note("O", update, key)
    return held


def spawn(seconds, daemon, stubborn, close=()):
    """A child that goes on, or a daemon in a session of its own; with the locks, but for those that are closed."""
    if os.fork():
        return
    if daemon:
        os.setsid()
        if os.fork():
            os._exit(0)
    if stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for fd in close:
        os.close(fd)
    time.sleep(seconds)
    os._exit(0)


def end(runs, how, rng, held=()):
    """Ends this process, and says so for all that it runs."""
    loose = held if BACKGROUND == "leave" else ()
    if how == "background":
        spawn(rng.random() * rng.choice([0.6, 0.6, 2.5]), rng.random() < 0.5, rng.random() < 0.5, loose)
    if how == "output":
        os.write(1, b"x" * 300000 + b"\n")
    how = "0" if how in ("background", "output") else how
    for run in runs:
        note("E", run, how, ms())
    if how == "hang":
        if rng.random() < 0.7:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if BACKGROUND != "leave":
            spawn(60, True, True)
            spawn(60, False, rng.random() < 0.5)
        time.sleep(60)
    elif how == "slot":
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    elif how.startswith("sig"):
        number = int(how[3:])
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        time.sleep(60)
    os._exit(int(how))


def words(update):
    """The id of an update, and its keys."""
    text = update["message"]["text"] if "message" in update else update["callback_query"]["data"]
    return str(update["update_id"]), text.split()[1:]


def single():
    update, keys = os.environ["TG_UPDATE_ID"], os.environ["TG_TEXT"].split()[1:]
    held = lock(update, keys)
    run = "%d.%d" % (os.getpid(), ms())
    fate, rng = draw_fate(update)
    note("S", update, run, "exec", os.environ["TG_ATTEMPT"], os.environ.get("TG_REDELIVERED", "0"), os.getpid(), os.getppid(), ms(), 1)
    if rng.random() < 0.5 and words(json.load(sys.stdin)) != (update, keys):
        note("X", update, "the bytes are of another update than the variables")
    time.sleep(rng.random() * 0.1)
    end([run], fate, rng, held)


def batch():
    updates = [words(json.loads(line)) for line in sys.stdin]
    held = lock(updates[0][0], sorted({key for _, keys in updates for key in keys}))
    if len(updates) != int(os.environ["TG_BATCH_SIZE"]):
        note("X", updates[0][0], "TG_BATCH_SIZE is not the number of lines")
    pid, at = os.getpid(), ms()
    fates = [draw_fate(update) for update, _ in updates]
    runs = ["%d.%d.%s" % (pid, at, update) for update, _ in updates]
    os.write(NOTES, "".join("S\t%s\t%s\tbatch\t-\t-\t%d\t%d\t%d\t%d\n" % (update, run, pid, os.getppid(), at, len(runs))
                            for (update, _), run in zip(updates, runs)).encode())
    # The first to whom something happens spoils it for all; but each asks for another time less often than if it were alone.
    bad = [(fate, rng) for fate, rng in fates if fate not in ("0", "output") and (fate not in ("75", "111") or rng.random() < 0.3)]
    fate, rng = bad[0] if bad else fates[0]
    time.sleep(rng.random() * 0.1)
    end(runs, fate if bad else "0", rng, held)


class Worker:
    def __init__(self):
        self.held = []
        self.count = 0
        self.places = int(os.environ["PROPERTY_PLACES"])
        if self.places > 1:
            self.answer('{"ready":true,"concurrency":%d}' % self.places)

    def answer(self, text):
        try:
            os.write(3, text.encode() + b"\n")
        except OSError:
            pass

    def begin(self, line):
        told_of = json.loads(line)
        update, keys = words(told_of["update"])
        held = lock(update, keys)
        self.count += 1
        run = "%d.%d.%d" % (os.getpid(), ms(), self.count)
        fate, rng = draw_fate(update)
        note("S", update, run, "worker", told_of["attempt"], int(told_of["redelivered"]), os.getpid(), os.getppid(), ms(), 1)
        self.held.append((update, told_of["id"], run, held, fate, rng))

    def finish(self, update, name, run, held, fate, rng):
        if fate not in ("0", "background", "output", "65", "75", "111"):
            end([run], fate, rng)
        if fate == "output":
            os.write(1, b"x" * 300000 + b"\n")
        lie = rng.choice(["", "", "", "", "", "", "garbage", '{"id":"%s"}' % name, '{"id":"999999.1","ok":true}', "x" * 70000])
        if lie:
            self.answer(lie)
        note("E", run, {"65": "65", "75": "75", "111": "75"}.get(fate, "0"), ms())
        for fd in held:
            os.close(fd)
        said = {"65": 'false,"error":"never"', "75": 'false,"retry":true,"error":"later"'}
        self.answer('{"id":"%s","ok":%s}' % (name, said.get("75" if fate == "111" else fate, "true")))
        if rng.random() < 0.1:
            self.answer('{"id":"%s","ok":false,"error":"twice"}' % name)

    def run(self):
        text, ended = b"", False
        while not ended or self.held:
            if not ended and select.select([0], [], [], random.random() * 0.04 if self.held else None)[0]:
                data = os.read(0, 65536)
                ended = not data
                *lines, text = (text + data).split(b"\n")
                for line in lines:
                    self.begin(line)
            elif self.held:
                self.finish(*self.held.pop(random.randrange(len(self.held))))


if sys.argv[1] == "exec":
    single()
elif sys.argv[1] == "batch":
    batch()
else:
    Worker().run()
