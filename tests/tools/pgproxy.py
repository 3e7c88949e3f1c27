#!/usr/bin/env python3
"""Stands between tgrun and a PostgreSQL server, for tests of lost connections.

    pgproxy.py LISTEN SERVER    two directories of sockets, as libpq names them (host=DIR); LISTEN may be tcp:FILE, a port of 127.0.0.1 that FILE then has

TERM ends it. USR1: what comes from now on is kept back, in both directions, and new connections hang; once more: it goes
on. USR2: all connections are cut.
"""
import os
import selectors
import signal
import socket
import sys

# Who sees that it listens may send it signals.
wake_r, wake_w = os.pipe()
os.set_blocking(wake_w, False)
signal.set_wakeup_fd(wake_w)
for number in (signal.SIGUSR1, signal.SIGUSR2):
    signal.signal(number, lambda *_: None)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
NAME = '.s.PGSQL.5432'
kind, _, file = sys.argv[1].partition(':')
listen = socket.create_server(('127.0.0.1', 0)) if kind == 'tcp' else socket.socket(socket.AF_UNIX)
if kind != 'tcp':
    listen.bind(os.path.join(sys.argv[1], NAME))
listen.listen(64)
if kind == 'tcp':
    with open(file + '.new', 'w', encoding='ascii') as f:
        f.write('%d\n' % listen.getsockname()[1])
    os.rename(file + '.new', file)
listen.setblocking(False)
sel = selectors.DefaultSelector()
sel.register(listen, selectors.EVENT_READ)
peers = {}
stalled = False
sel.register(wake_r, selectors.EVENT_READ)


def close(s):
    if s not in peers:
        return
    for one in (s, peers[s]):
        del peers[one]
        if not stalled:
            sel.unregister(one)
        one.close()


def accept():
    client, _ = listen.accept()
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(os.path.join(sys.argv[2], NAME))
    except OSError:
        client.close()
        return
    peers[client], peers[server] = server, client
    for one in (client, server):
        sel.register(one, selectors.EVENT_READ)


while True:
    for key, _ in sel.select():
        if key.fileobj == wake_r:
            for number in os.read(wake_r, 100):
                if number == signal.SIGUSR2:
                    for s in list(peers):
                        close(s)
                    continue
                stalled = not stalled
                for s in [listen, *peers]:
                    if stalled:
                        sel.unregister(s)
                    else:
                        sel.register(s, selectors.EVENT_READ)
            break
        if key.fileobj is listen:
            accept()
            continue
        s = key.fileobj
        if s not in peers:
            continue
        try:
            data = s.recv(65536)
            if not data:
                raise OSError
            peers[s].sendall(data)
        except OSError:
            close(s)
