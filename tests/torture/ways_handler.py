# The handlers of tests/torture/ways: each notes what it is given, and fails, stalls or cuts at random.
#
#   ways_handler.py exec|batch|worker     as tgrun starts it      ways_handler.py web PORT     a webhook's server, until it is killed
#
# In the environment: WAYS, the directory of the round. An update is called by the first word of its text; in the others are "bad" (always
# refused) and "later" (half of its attempts ask for another). Lines of WAYS/notes, each written before what it says has an effect:
#
#   B MS RUN NAME…        these have begun, handed out together       E MS RUN NAME…     they are done
#   F MS RUN NAME…        this attempt fails, or is refused, or ends without an answer
#
# With WAYS/calm there, nothing fails but what is bad.
import http.server
import json
import os
import random
import sys
import threading
import time

HOME = os.environ["WAYS"]
NOTES = os.open(HOME + "/notes", os.O_WRONLY | os.O_APPEND)
CALM = os.path.exists(HOME + "/calm")


def note(what, run, names):
    os.write(NOTES, ("%s %d %s %s\n" % (what, time.monotonic_ns() // 1000000, run, " ".join(names))).encode())


def text_of(update):
    one = update.get("message") or update["note"]
    return (one.get("text") or one["caption"]).split()


def work(updates):
    """The names, the run, and what becomes of it: "done", "later", "bad", or "cut" where nothing fails so in peace."""
    words = [text_of(update) for update in updates]
    names, every = [w[0] for w in words], {one for w in words for one in w[1:]}
    run = "%d.%d" % (os.getpid(), time.monotonic_ns())
    note("B", run, names)
    calm = CALM or os.path.exists(HOME + "/calm")
    time.sleep(0 if calm else random.choice([0, 0, 0.01, 0.1]))
    fate = "bad" if "bad" in every else "later" if "later" in every and not calm and random.random() < 0.5 else "done"
    if not calm and random.random() < 0.05:
        fate = "cut"
    note("E" if fate == "done" else "F", run, names)
    return fate


class Hook(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format, *args):
        pass

    def do_POST(self):
        fate = work([json.loads(self.rfile.read(int(self.headers["Content-Length"])))])
        if fate == "cut":
            how = random.randrange(4)
            self.wfile.write([b"", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b""][how])
            self.wfile.flush()
            time.sleep(random.random() if how == 3 else 0)
            self.close_connection = True
            return
        status = {"done": 200, "bad": 400, "later": random.choice([429, 503])}[fate]
        self.send_response(status)
        self.send_header("Content-Length", "0")
        if random.random() < 0.1:
            self.send_header("Connection", "close")
        self.end_headers()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 500
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        pass


def worker():
    answers = os.fdopen(3, "w", buffering=1)
    lock = threading.Lock()

    def take(job):
        fate = work(job.get("updates") or [job["update"]])
        if fate == "cut":
            note("K", "itself", [])
            os._exit(1)
        answer = {"id": job["id"], "ok": fate == "done"}
        if fate == "later":
            answer.update(retry=True, after=0.05)
        with lock:
            print(json.dumps(answer), file=answers)

    print(json.dumps({"ready": True, "batch": True, "concurrency": 3}), file=answers)
    for line in sys.stdin:
        threading.Thread(target=take, args=[json.loads(line)], daemon=True).start()


if sys.argv[1] == "web":
    with Server(("127.0.0.1", int(sys.argv[2])), Hook) as server:
        with open(HOME + "/port.new", "w", encoding="ascii") as f:
            f.write(str(server.server_address[1]))
        os.rename(HOME + "/port.new", HOME + "/port")
        server.serve_forever()
elif sys.argv[1] == "worker":
    worker()
else:
    sys.exit({"done": 0, "later": 75, "bad": 65, "cut": 75}[work([json.loads(line) for line in sys.stdin])])
