"""Nodes that call lib/queue/shared/fleet.sql at the same time, each a process with a connection of its own, and some of
them die and come back: no two have an update of one key at once, each key's come in order, none is lost.

  fleet_storm.py URL-OF-THE-OWNER URL-OF-THE-ROLE SQL SEED UPDATES

SQL: the text of the schema, which is made here. Who handles an update of a key has the lock of the key's file, which
holds the last number: a process that dies lets it go, as its handlers would have ended with it."""
import fcntl
import os
import random
import sys
import tempfile
import time

import pq

NODES, CHATS, PATIENCE = 5, 8, 600
OVERLAP, OUT_OF_ORDER, DIED = 41, 42, 43
TURN = "SELECT o_what, o_seq, o_keys, o_begun, o_bytes FROM turn($1, $2, 0, 0, $3, $4, $5, $6, $7, $8, $9, $10, $11, NULL, NULL, 0, 1, 6, 3)"
PUT = "SELECT o_taken FROM put($1, $2, $3, 'api', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"


class Node:
    def __init__(self, name, seed, url, schema, directory, total):
        self.rng, self.name, self.directory, self.total = random.Random(seed), name, directory, total
        self.ask = pq.Connection(url)
        self.ask('SET search_path = ' + schema)
        self.epoch = self.next = 0
        self.held = {}  # number: [keys, bytes, begun before, files]
        row = self.ask("SELECT o_node, o_session FROM attach($1, $2, $1, 600000, '', 1, 1, 'rule', 1, true, 0, '{}')", name,
                       time.clock_gettime_ns(time.CLOCK_BOOTTIME))[0]
        self.me = row

    def put(self):
        r = self.rng
        if not self.epoch:
            rows = self.ask("SELECT o_epoch, o_next FROM poll($1, $2, 'api')", *self.me)
            if not rows:
                return
            self.epoch, self.next = rows[0][0], max(1, rows[0][1])
        n = min(r.randint(1, 5), self.total + 1 - self.next)
        if n <= 0:
            return
        ids = list(range(self.next, self.next + n))
        keys = [' '.join('chat:%d' % c for c in r.sample(range(CHATS), r.choice([1, 1, 1, 2]))) for _ in ids]
        bodies = [b'%d' % i for i in ids]
        try:
            self.ask(PUT, *self.me, self.epoch, self.next + n, self.next, [True] * n, ids, [1] * n, ['m'] * n, keys, [''] * n, [False] * n,
                     [0] * n, [len(b) for b in bodies], [''] * n, b''.join(bodies))
            self.next += n
        except pq.Error as e:
            if e.state != 'TG002':
                raise
            self.epoch = 0

    def start(self, keys, number):
        files = []
        for k in sorted(keys):
            f = open('%s/%s' % (self.directory, k), 'r+b', buffering=0)
            try:
                fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os._exit(OVERLAP)
            if int(f.read() or 0) > number:
                os._exit(OUT_OF_ORDER)
            f.seek(0)
            f.write(b'%d ' % number)
            files.append(f)
        return files

    def turn(self):
        told, ready = [], set()
        for s in sorted(self.held):  # of each key the first one only
            h = self.held[s]
            if h[3]:
                told.append((s, self.rng.choice('ddddr')))
            elif not h[0] & ready:
                h[3] = self.start(h[0], s)
                told.append((s, 's'))
            ready |= h[0]
        if self.rng.random() < .01:
            os._exit(DIED)
        for s, w in told:
            if w != 's':
                for f in self.held[s][3]:
                    f.close()
                self.held[s][2:] = [True, []]
        n = len(told)
        rows = self.ask(TURN, *self.me, [s for s, _ in told], [w for _, w in told], [0] * n, [0] * n, [0] * n, [0] * n, [True] * n, [''] * n,
                        [''] * n)
        for s, w in told:
            if w == 'd':
                with open(self.directory + '/done', 'ab', buffering=0) as f:
                    f.write(self.held.pop(s)[1] + b'\n')
        for what, s, keys, begun, data in rows:
            if what == 'u':
                self.held[s] = [set(keys.split()), data, begun, []]
        return bool(told or rows)

    def run(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and not os.path.exists(self.directory + '/end'):
            if self.rng.random() < .3:
                self.put()
            if not self.turn():
                time.sleep(.002)


def main():
    owner, schema, total = pq.Connection(sys.argv[1]), 'storm_' + sys.argv[4], int(sys.argv[5])
    owner.script("SET client_min_messages = 'warning'")
    owner.script('DROP SCHEMA IF EXISTS %s CASCADE' % schema)
    with open(sys.argv[3], encoding='utf-8') as f:
        owner.script(f.read().replace('@S@', schema).replace('@BOT@', '1') + "SELECT grant_to_('bot');")
    with tempfile.TemporaryDirectory() as directory:
        for name in ['done'] + ['chat:%d' % c for c in range(CHATS)]:
            open('%s/%s' % (directory, name), 'w', encoding='utf-8').close()
        nodes, lives, wrong, end = {}, 0, [], time.monotonic() + PATIENCE
        while time.monotonic() < end and not wrong:
            for name in set('abcde'[:NODES]) - set(nodes.values()):
                lives += 1
                pid = os.fork()
                if pid == 0:
                    status = 1
                    try:
                        Node(name, '%s %d' % (sys.argv[4], lives), sys.argv[2], schema, directory, total).run()
                        status = 0
                    except pq.Error as e:
                        print(e)
                        sys.stdout.flush()
                    os._exit(status)
                nodes[pid] = name
            while nodes:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                status = os.waitstatus_to_exitcode(status)
                name = nodes.pop(pid)
                if status != DIED:
                    wrong.append({OVERLAP: 'two nodes had an update of one key at once', OUT_OF_ORDER: 'an update came behind a later one'}.get(
                        status, 'node %s ended with %d' % (name, status)))
            with open(directory + '/done', 'rb') as f:
                done = f.read().split()
            if len(set(done)) == total:
                break
            time.sleep(.02)
        open(directory + '/end', 'w', encoding='utf-8').close()
        for pid in nodes:
            os.waitpid(pid, 0)
        lost = total - len(set(done))
    faults = owner('SELECT * FROM %s.audit' % schema)
    dead = owner.one('SELECT count(*) FROM %s.dead' % schema)
    if wrong or faults or (lost and not dead):
        sys.exit('seed %s, call %d, storm: %s, %d lost, audit %s' % (sys.argv[4], len(done), wrong, lost, faults[:3]))
    print('seed %s: %d updates by %d lives of %d nodes: %d handled again, %d dead letters' % (
        sys.argv[4], total, lives, NODES, len(done) - len(set(done)), dead))


main()
