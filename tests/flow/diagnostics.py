# Holds what tgrun warns of while it runs against DIAGNOSTICS of its page: in: the page; the sources, from lib/ and cli/ below. Out: a line for
# each message that is in one of them only, and how many there are.
#
#   python3 tests/flow/diagnostics.py man/tgrun.1
#
# A message is what log_event() and log_paced() get with the level of a warning or an error, what slots_note() gets as one, and the phrases of
# poll_trouble.c; what printf(3) fills in is `...`. An entry of the page is the whole of it, or its beginning, which then ends in `...`. A message
# that is nothing but `...` is an error's own sentence, and needs no entry.
import glob
import re
import sys

LITERAL = r'"(?:[^"\\]|\\.)*"'


def arguments(text, at):
    """Those of the call whose parenthesis stands at `at`; strings may hold anything."""
    found, depth, start = [], 0, at + 1
    for token in re.compile(LITERAL + r"|'(?:[^'\\]|\\.)+'|[()\[\]{},]").finditer(text, at):
        if token[0] in "([{":
            depth += 1
        elif token[0] in ")]}":
            depth -= 1
        if depth == 0 or (depth == 1 and token[0] == ","):
            found.append(text[start:token.start()])
            start = token.end()
        if depth == 0:
            return found


def literals(code):
    """The strings of an expression, neighbours joined, with `...` for what is filled in."""
    for joined in re.findall(rf"{LITERAL}(?:\s*(?:PRI\w+\s*)?{LITERAL})*", code):
        text = "".join(part[1:-1] for part in re.findall(LITERAL, joined))
        text = re.sub(r"%[-+ #0-9.*]*(?:hh|h|ll|l|j|z)?[a-zA-Z]", "...", text)
        yield re.sub(r"(?:\.\.\.){2,}", "...", text).replace(r"\"", '"').strip()


def words(text):
    return len(re.findall(r"[A-Za-z]+", text))


def messages():
    for path in sorted(glob.glob("lib/**/*.c", recursive=True) + glob.glob("cli/**/*.c", recursive=True)):
        with open(path) as file:
            text = re.sub(rf"({LITERAL})|/\*.*?\*/", lambda m: m[1] or " ", file.read(), flags=re.S)
        for call in re.finditer(r"\b(log_event|log_paced|slots_note)\(", text):
            args = arguments(text, call.end() - 1)
            level, rest = (args[2], args[3:]) if call[1] != "log_event" else (args[1], args[2:])
            if "LOG_WARN" not in level and "LOG_ERROR" not in level and level.strip() != "true":
                continue
            rest = [arg for arg in rest if "LOG_" not in arg]
            found = [message for arg in rest for message in literals(arg)]
            for index, message in enumerate(found):
                # What is filled in is a message of its own where it is a sentence, and the format around it is little.
                if words(message) >= (4 if index or message.startswith("...") else 1):
                    yield path, message
        if path == "lib/source/poll_trouble.c":
            phrases = re.search(r"\npoll_trouble_phrase\(.*?\n}|\bpoll_trouble_phrase\(.*?\n}", text, re.S)
            for message in literals(phrases[0]):
                yield path, message + "; asking"


def entries(page):
    with open(page) as file:
        section = re.search(r"^\.Sh DIAGNOSTICS\n(.*?)^\.Sh ", file.read(), re.S | re.M)
    for entry in re.findall(r"^\.It (.*)$", section[1], re.M):
        yield entry.replace(r"\(dq", '"').replace(r"\&", "").strip('"').replace('""', '"')


def says(entry, message):
    pattern = ".*".join(re.escape(part) for part in entry.split("..."))
    return re.fullmatch(pattern, message) or entry.startswith(message)


def main():
    told, shown, faults = sorted(set(messages())), list(entries(sys.argv[1])), 0
    for path, message in told:
        if not any(says(entry, message) for entry in shown):
            faults += 1
            print(f"{path}: not in DIAGNOSTICS: {message}")
    for entry in shown:
        if not any(says(entry, message) for _, message in told):
            faults += 1
            print(f"in DIAGNOSTICS, and no message of tgrun: {entry}")
    print(f"{len(told)} messages, {len(shown)} entries, {faults} faults")
    sys.exit(1 if faults else 0)


main()
