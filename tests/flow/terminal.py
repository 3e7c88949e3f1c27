"""Runs a command as the leader of a session on a terminal of its own: terminal.py CLOSE COMMAND [ARGUMENT...]

What comes from the terminal goes to standard output. When the file CLOSE appears the terminal is hung up, as when its window is closed; a
command that ends before leaves it open. Then the command is waited for, and its status is this one's (128 + N: killed by signal N).
"""
import os
import pty
import select
import sys

close, command = sys.argv[1], sys.argv[2:]
pid, master = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
while not os.path.exists(close):
    if select.select([master], [], [], 0.05)[0]:
        try:
            os.write(1, os.read(master, 65536))
        except OSError:  # nobody has the other end open
            select.select([], [], [], 0.05)
os.close(master)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(status if status >= 0 else 128 - status)
