#!/usr/bin/env python3
"""Keeps a list for each chat: /add TEXT, /list, /done NUMBER. Python's own library is enough.

An update may come twice (after a crash, or a failed answer). So what it does is filed under TG_UPDATE_ID, and done
again it changes nothing. A chat's updates run one after the other, so a chat's file needs no lock.
"""
import json
import os
import sys
import urllib.error
import urllib.request


def call(method, **params):
    request = urllib.request.Request(f"{os.environ['TG_API_URL']}/{method}", json.dumps(params).encode(),
                                     {"Content-Type": "application/json"})
    try:
        urllib.request.urlopen(request, timeout=20).close()
    except urllib.error.HTTPError as error:
        print(f"{method} was refused: {error.read().decode(errors='replace') or error.code}", file=sys.stderr)
        sys.exit(75 if error.code == 429 or error.code >= 500 else 65)  # 75: tgrun tries again
    except OSError as error:
        print(f"{method}: {type(error).__name__}", file=sys.stderr)
        sys.exit(75)


def save(path, items):
    with open(path + ".new", "w", encoding="utf-8") as out:
        json.dump(items, out)
    os.replace(path + ".new", path)  # whole, or not at all


command, text = os.environ.get("TG_COMMAND"), os.environ.get("TG_ARGS", "").strip()
if os.environ["TG_UPDATE_KIND"] != "message" or command not in ("/add", "/list", "/done"):
    sys.exit(0)

chat, update = int(os.environ["TG_CHAT_ID"]), os.environ["TG_UPDATE_ID"]
place = {"chat_id": chat}
if "TG_THREAD_ID" in os.environ:  # a topic: the answer belongs into it
    direct = os.environ["TG_THREAD_TYPE"] == "direct"
    place["direct_messages_topic_id" if direct else "message_thread_id"] = int(os.environ["TG_THREAD_ID"])
path = os.path.join(os.environ.get("REMIND_DIR", "."), f"remind.{chat}.json")
try:
    with open(path, encoding="utf-8") as file:
        items = json.load(file)  # number of the update that added it -> what to remember
except FileNotFoundError:
    items = {}

if command == "/add" and text:
    items[update] = text
elif command == "/done":
    items.pop(text, None)
save(path, items)
call("sendMessage", **place, text="\n".join(f"{n}: {item}" for n, item in items.items()) or "Nothing to do.")
