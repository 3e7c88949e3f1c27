#!/usr/bin/env python3
"""A webhook's server for tests, HTTP/1.1 with keep-alive, a thread for each connection. What it does with an update is the JSON of the message's
text, for its first `times` (1) requests, after which it answers 200; a text that is no JSON is answered so at once:

    {"status": 404, "headers": {"Retry-After": "7"}, "body": "no such order\\n", "type": "text/plain"}
    {"do": "close"}   reads it, and closes without a byte      "cut": in the middle of the answer
    {"do": "say", "raw": "HTTP/1.1 2"}   says that, and closes
    {"do": "stall"}   never answers, until the other side closes
    {"do": "hold"}    answers when $FLOW_MARK/hold is gone
    {"do": "used"}    as close, where the connection was used before
    {"do": "end"}     answers, and closes the connection       "rest": so, half a second later

What comes goes to $FLOW_MARK/posts, a line of JSON each: {"id", "text", "connection", "nth" of it, "path", "secret", "type", "body"}; what another side
closes before an answer to $FLOW_MARK/closed; the number of each connection that is over to $FLOW_MARK/over. The port goes to $FLOW_MARK/webhook.port. KEEP: the header Keep-Alive of each answer."""
import json
import os
import select
import socket
import sys
import threading
import time

home = os.environ["FLOW_MARK"]
keep = os.environ.get("KEEP")
lock = threading.Lock()
seen = {}
posts = os.open(home + "/posts", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
listener = socket.create_server(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), backlog=500)
accepted = 0


def read_request(conn, rest):
    while b"\r\n\r\n" not in rest:
        more = conn.recv(65536)
        if not more:
            return None
        rest += more
    head, rest = rest.split(b"\r\n\r\n", 1)
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
    length = int(headers.get("content-length", "0"))
    while len(rest) < length:
        more = conn.recv(65536)
        if not more:
            return None
        rest += more
    return lines[0], headers, rest[:length], rest[length:]


def wait_for_close(conn, ident):
    conn.settimeout(None)
    while True:
        try:
            if not conn.recv(4096):
                break
        except OSError:
            break
    with open(home + "/closed", "a", encoding="ascii") as f:
        f.write("%d\n" % ident)


def answer(conn, plan):
    body = plan.get("body", "").encode() * plan.get("repeat", 1)
    headers = {"Content-Type": plan.get("type", "text/plain"), "Content-Length": str(len(body)), **plan.get("headers", {})}
    if keep:
        headers["Keep-Alive"] = keep
    if plan.get("do") == "end":
        headers["Connection"] = "close"
    head = "HTTP/1.1 %d x\r\n%s\r\n" % (plan.get("status", 200), "".join("%s: %s\r\n" % h for h in headers.items()))
    conn.sendall(head.encode() + body)


def carry_out(conn, plan, ident, nth):
    """Whether the connection goes on."""
    do = plan.get("do")
    if do == "close" or (do == "used" and nth > 1):
        return False
    if do == "cut":
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        return False
    if do == "say":
        conn.sendall(plan["raw"].encode())
        return False
    if do == "stall":
        wait_for_close(conn, ident)
        return False
    while do == "hold" and os.path.exists(home + "/hold"):
        if select.select([conn], [], [], 0.02)[0]:
            wait_for_close(conn, ident)
            return False
    answer(conn, plan)
    if do == "rest":
        time.sleep(0.5)
    return do not in ("end", "rest")


def serve(conn, number):
    nth = 0
    rest = b""
    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while True:
        request = read_request(conn, rest)
        if not request:
            return
        line, headers, body, rest = request
        nth += 1
        update = json.loads(body)
        message = update.get("message") or update.get("callback_query") or {}
        text = message.get("text") or message.get("data") or ""
        ident = update.get("update_id")
        with lock:
            seen[body] = seen.get(body, 0) + 1
            times = seen[body]
        note = {"id": ident, "text": text, "connection": number, "nth": nth, "path": line.split(" ")[1], "secret":
                headers.get("x-telegram-bot-api-secret-token"), "type": headers.get("content-type"), "body": body.decode()}
        os.write(posts, (json.dumps(note) + "\n").encode())
        plan = json.loads(text) if text.startswith("{") else {}
        if times > plan.get("times", 1):
            plan = {}
        if not carry_out(conn, plan, ident, nth):
            return


def serve_and_close(conn, number):
    try:
        serve(conn, number)
    except OSError:
        pass
    finally:
        with open(home + "/over", "a", encoding="ascii") as f:
            f.write("%d\n" % number)
        conn.close()


with open(home + "/port.new", "w", encoding="ascii") as f:
    f.write(str(listener.getsockname()[1]))
os.rename(home + "/port.new", home + "/webhook.port")
while True:
    connection, _ = listener.accept()
    accepted += 1
    threading.Thread(target=serve_and_close, args=(connection, accepted), daemon=True).start()
