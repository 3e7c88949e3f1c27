"""What a shell offers behind a line: complete.py bash|zsh|fish SCRIPT LINE

The shell is a real one on a terminal of its own, with SCRIPT as its completion for tgrun and nothing of the user's. It
is told to insert all that it offers at the end of LINE, and to print the words of the line then; those behind LINE's
whole words are printed here, one a line, sorted. fish says by itself what it offers.
"""
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import time

shell, script, line = sys.argv[1:]
scratch = tempfile.mkdtemp(prefix="complete.", dir=os.environ.get("TMPDIR", "/tmp"))
out = os.path.join(scratch, "out")
environment = dict(os.environ, HOME=scratch, XDG_CONFIG_HOME=scratch, XDG_DATA_HOME=scratch, TERM="dumb", PS1="", HISTFILE="/dev/null")

if shell == "fish":
    said = subprocess.run(["fish", "--no-config", "-c", 'source "$argv[1]"; complete -C "$argv[2]"', script, line],
                          env=environment, capture_output=True, text=True, timeout=60)
    sys.stderr.write(said.stderr)
    print("\n".join(sorted(row.split("\t")[0] for row in said.stdout.splitlines())))
    sys.exit(said.returncode)

SETUP = {
    "bash": ("bash", ["--norc", "--noprofile", "-i"], "bind '\"\\C-xa\": insert-completions'; source %s; PS1=READ''Y; PS2=\n"),
    "zsh": ("zsh", ["-f", "-i"],
            "fpath=(%s $fpath); autoload -U compinit; compinit -u -D; zle -C all-matches complete-word _generic; bindkey -e;"
            " bindkey '^Xa' all-matches; zstyle ':completion:all-matches:*' insert yes;"
            " zstyle ':completion:all-matches::::' completer _all_matches _complete; unsetopt promptcr promptsp; PS1=READ''Y\n"),
}
program, arguments, setup = SETUP[shell]
place = script
if shell == "zsh":  # found by its name
    os.symlink(os.path.abspath(script), os.path.join(scratch, "_tgrun"))
    place = scratch
pid, terminal = pty.fork()
if pid == 0:
    os.execvpe(program, [program, *arguments], environment)
deadline = time.monotonic() + 60
seen = b""


def until(condition):
    global seen
    while not condition() and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                seen += os.read(terminal, 65536)
            except OSError:
                break
    return condition()


os.write(terminal, (setup % place).encode())
if until(lambda: b"READY" in seen):
    os.write(terminal, line.encode() + b"\x18a\x01" + (">%s.new printf '%%s\\n' " % out).encode() + b"\x05\n" +
             (" mv %s.new %s; exit\n" % (out, out)).encode())
    until(lambda: os.path.exists(out))
os.close(terminal)
os.waitpid(pid, 0)
if not os.path.exists(out):
    sys.exit("the shell did not answer: %r" % seen[-1000:])
words = open(out).read().splitlines()
whole = len(re.findall(r"\S+(?=\s)", line))
print("\n".join(sorted(words[whole:])))
