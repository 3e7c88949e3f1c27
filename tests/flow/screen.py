"""A command on a terminal of its own, as a shell starts it, and what is seen there: screen.py COLUMNSxROWS STEP... -- COMMAND [ARGUMENT...]

The steps, one after the other, each at most 20 s; the first that comes to nothing is told on standard error, with the screen, and ends it with 1:

  wait /ERE/      until a line of the screen matches, the cursor's with the blanks before it; wait !/ERE/: until none does
  show            prints the screen: its lines without blanks at their ends, down to the last that has something
  type TEXT       as from the keyboard; \\n, \\x03 and the like as Python has them
  signal NAME     sends it to the command: INT, TSTP ...
  stopped         until the command stands still, and its shell has the terminal; the modes of the terminal are told then
  continue        as fg does
  size CxR        the window gets another size
  end             until the command has ended; its status (128 + N: signal N) and the modes of the terminal are told

The modes are `as before`, or what differs: `raw`, `alternate screen`, `no cursor`.
"""
import fcntl
import os
import re
import select
import signal
import struct
import sys
import termios
import time
import unicodedata

size, words = sys.argv[1], sys.argv[2:]
steps, command = words[:words.index("--")], words[words.index("--") + 1:]


class Screen:
    """As much of a terminal as these screens use; what it does not know it shows."""

    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.kept, self.alternate, self.cursor = None, False, True
        self.clear()
        self.rest = b""

    def clear(self):
        self.cells = [[" "] * self.columns for _ in range(self.rows)]
        self.x = self.y = 0

    def resize(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.clear()

    def feed(self, data):
        data = self.rest + data
        cut = len(data)
        esc = data.rfind(b"\x1b")
        if esc >= 0 and not re.match(rb"\x1b(\[[0-9;?]*[A-Za-z]|[^\[])", data[esc:]):
            cut = esc
        while cut and data[cut - 1] & 0xC0 == 0x80 or cut and data[cut - 1] >= 0xC0:
            try:
                data[:cut].decode()
                break
            except UnicodeDecodeError as e:
                if e.reason != "unexpected end of data":
                    break
                cut = e.start
        self.rest = data[cut:]
        for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|.", data[:cut].decode(errors="replace"), re.S):
            self.put(part)

    def put(self, part):
        if part.startswith("\x1b["):
            self.obey(part[2:-1], part[-1])
        elif part == "\r":
            self.x = 0
        elif part == "\n":
            self.down()
        elif part == "\b":
            self.x = max(0, self.x - 1)
        elif part == "\x07":
            pass
        else:
            width = 2 if unicodedata.east_asian_width(part) in "WF" else 0 if unicodedata.combining(part) else 1
            if not width:
                return
            if self.x + width > self.columns:
                self.x = 0
                self.down()
            self.cells[self.y][self.x] = part
            if width == 2:
                self.cells[self.y][self.x + 1] = ""
            self.x += width

    def down(self):
        if self.y + 1 < self.rows:
            self.y += 1
        else:
            self.cells = self.cells[1:] + [[" "] * self.columns]

    def obey(self, numbers, letter):
        if letter in "hl" and numbers == "?1049":
            if letter == "h" and not self.alternate:
                self.kept = (self.cells, self.x, self.y)
                self.clear()
            elif letter == "l" and self.alternate:
                self.cells, self.x, self.y = self.kept
            self.alternate = letter == "h"
        elif letter in "hl" and numbers == "?25":
            self.cursor = letter == "h"
        elif letter == "H":
            row, _, column = numbers.partition(";")
            self.y, self.x = min(int(row or 1), self.rows) - 1, min(int(column or 1), self.columns) - 1
        elif letter == "K":
            self.cells[self.y][self.x:] = [" "] * (self.columns - self.x)
        elif letter == "J":
            if numbers == "2":
                x, y = self.x, self.y
                self.clear()
                self.x, self.y = x, y
            else:
                self.cells[self.y][self.x:] = [" "] * (self.columns - self.x)
                for row in range(self.y + 1, self.rows):
                    self.cells[row] = [" "] * self.columns
        elif letter != "m":
            for c in "<ESC[" + numbers + letter + ">":
                self.put(c)

    def lines(self):
        return "\n".join("".join(row).rstrip() for row in self.cells).rstrip("\n").split("\n")

    def up_to_cursor(self):
        """The lines, that of the cursor with the blanks before it: what was asked has been asked whole."""
        lines = ["".join(row).rstrip() for row in self.cells]
        if self.y < len(lines):
            lines[self.y] = lines[self.y].ljust(len("".join(self.cells[self.y][:self.x])))
        return lines


def shell(tty, told, asked):
    """What a shell does: the command in the foreground, and the terminal back when it stands still."""
    os.setsid()
    fcntl.ioctl(tty, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    for fd in (0, 1, 2):
        os.dup2(tty, fd)
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.execvp(command[0], command)
    os.write(told, b"P%d\n" % child)
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        os.tcsetpgrp(0, os.getpgrp())
        if not os.WIFSTOPPED(status):
            code = os.waitstatus_to_exitcode(status)
            os.write(told, b"E%d\n" % (code if code >= 0 else 128 - code))
            os._exit(0)
        os.write(told, b"S\n")
        os.read(asked, 1)
        os.tcsetpgrp(0, child)
        os.kill(child, signal.SIGCONT)


def window(master, size):
    columns, rows = map(int, size.split("x"))
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    return columns, rows


master, tty = os.openpty()
screen = Screen(*window(master, size))
before = termios.tcgetattr(tty)
told, tell = os.pipe()
asked, ask = os.pipe()
if os.fork() == 0:
    shell(tty, tell, asked)
os.close(tell)
news, child, deadline = b"", 0, 0


def look():
    """Takes in what there is."""
    global news
    ready = select.select([master, told], [], [], 0.05)[0]
    if master in ready:
        screen.feed(os.read(master, 65536))
    elif told in ready:
        news += os.read(told, 4096)


def until(condition, what):
    global deadline
    deadline = time.monotonic() + 20
    while not condition():
        if time.monotonic() > deadline:
            sys.stderr.write("waited in vain: %s\n%s\n" % (what, "\n".join(screen.lines())))
            if child:
                os.kill(child, signal.SIGKILL)
            sys.exit(1)
        look()


def modes():
    now = termios.tcgetattr(tty)
    differs = [name for name, is_so in (("raw", now != before), ("alternate screen", screen.alternate), ("no cursor", not screen.cursor)) if is_so]
    return ", ".join(differs) or "as before"


def settle():
    """All that was written before has been read."""
    while select.select([master], [], [], 0)[0]:
        screen.feed(os.read(master, 65536))


until(lambda: news.startswith(b"P") and b"\n" in news, "the command")
child, news = int(news[1:news.index(b"\n")]), news[news.index(b"\n") + 1:]
for step in steps:
    word, _, rest = step.partition(" ")
    if word == "wait":
        pattern = re.compile(rest.lstrip("!")[1:-1])
        until(lambda: any(pattern.search(line) for line in screen.up_to_cursor()) != rest.startswith("!"), step)
    elif word == "show":
        print("\n".join(screen.lines()))
    elif word == "type":
        os.write(master, rest.encode().decode("unicode_escape").encode("latin-1"))
    elif word == "signal":
        os.kill(child, getattr(signal, "SIG" + rest))
    elif word == "stopped":
        until(lambda: b"S\n" in news, step)
        news = b""
        settle()
        print("stopped, terminal %s" % modes())
    elif word == "continue":
        os.write(ask, b"c")
    elif word == "size":
        screen.resize(*window(master, rest))
    elif word == "end":
        until(lambda: b"E" in news, step)
        settle()
        print("status %s, terminal %s" % (news[news.index(b"E") + 1:].decode().strip(), modes()))
    sys.stdout.flush()
