#!/usr/bin/env python3
"""Keeps a list for each chat: /add TEXT, /list, /done NUMBER. What it prints is the answer:

    tgrun … --reply text --handler ./list.py

An update may come twice, after a crash. So what it does is filed under TG_UPDATE_ID, and done again it changes
nothing. A chat's updates run one after the other, so a chat's file needs no lock.
"""
import json
import os
import sys

command, text = os.environ.get("TG_COMMAND"), os.environ.get("TG_ARGS", "").strip()
if os.environ["TG_UPDATE_KIND"] != "message" or command not in ("/add", "/list", "/done"):
    sys.exit(0)

path = os.path.join(os.environ["TG_DATA_DIR"], f"list.{os.environ['TG_CHAT_ID']}.json")
try:
    with open(path, encoding="utf-8") as file:
        items = json.load(file)  # number of the update that added it -> what to remember
except FileNotFoundError:
    items = {}

if command == "/add" and text:
    items[os.environ["TG_UPDATE_ID"]] = text
elif command == "/done":
    items.pop(text, None)
with open(path + ".new", "w", encoding="utf-8") as out:
    json.dump(items, out)
os.replace(path + ".new", path)  # whole, or not at all
print("\n".join(f"{n}: {item}" for n, item in items.items()) or "Nothing to do.")
