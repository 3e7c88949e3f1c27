"""Several nodes that make random calls of lib/queue/shared/fleet.sql, as the role without rights, against the slow
model of fleet_model.py; after each call every table is compared, and nobody may wait for work or calls untold.

  fleet_property.py URL-OF-THE-OWNER URL-OF-THE-ROLE SQL SEED CALLS

SQL: the text of the schema, which is made and dropped here. In the end all is handled and sent: each update that was
put ends exactly once, or is a dead letter, and so does each call."""
import json
import random
import sys
import time

import fleet_model
from fleet_model import KEYS, Model, Update, want
import pq

HOUR = 3600000
LINES = ['1', '2', '-100', '@name']
TURN = """SELECT * FROM turn($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)"""
PUT = 'SELECT * FROM put($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)'


class Node:
    def __init__(self, name):
        self.name, self.ident, self.id, self.session = name, 'ident of ' + name, 0, 0
        self.epoch = self.granted = self.turn = 0
        self.hungry = None  # the lanes that it wanted more of than it got, when it had its last turn
        self.knows = None   # as the sender: up to which place, if it was told all there was
        self.ids = []


class World:
    def __init__(self, owner, role, seed):
        self.owner, self.role, self.rng = owner, role, random.Random(seed)
        self.m = Model()
        self.nodes = [Node(x) for x in 'abcde']
        self.counts, self.ids, self.lives, self.clock, self.clock_of, self.connections = {}, set(), 0, 0, {}, {}
        self.ids_of = {'A': 100, 'B': 5000}
        self.listener = pq.Connection(sys.argv[2])
        self.listener('LISTEN property_%d' % seed)
        self.tables = fleet_model.tables_statement()

    def count(self, what, n=1):
        self.counts[what] = self.counts.get(what, 0) + n

    def call(self, statement, *given, expect=None, by=None):
        """The rows; None if it was refused, with the SQLSTATE `expect`."""
        try:
            rows = (by or self.role)(statement, *given)
        except pq.Error as e:
            want(e.state == expect, 'refused with', e, 'instead of', expect)
            self.count('refused ' + e.state)
            return None
        want(expect is None, 'not refused with', expect)
        return rows

    def fenced(self, node):
        return None if node.id in self.m.alive else 'TG001'

    # ---- what is compared ----

    def compare(self):
        model = self.m.tables()
        for name, rows in self.owner(self.tables):
            rows = json.loads(rows)
            for x, y in zip(rows, model[name]):
                want(x == y, '%s: the database has %s, the model %s' % (name, x, y))
            want(len(rows) == len(model[name]), '%s: the database has %s, the model %s' % (name, rows, model[name]))
        for k in KEYS:
            held = {u.node for u in self.m.updates.values() if u.node and k in u.keys}
            want(len(held) <= 1, k, 'is held by', held)
        want(len(self.m.may_send) <= 1, self.m.may_send, 'may send at once')
        for gone in [n for n in self.connections if n not in self.m.alive]:
            if self.connections[gone]:
                self.connections[gone].close()
            del self.connections[gone]
        self.hear()
        want(not self.m.orphaned, 'nobody was told that nobody polls')
        for x in self.nodes:
            if x.id in self.m.alive and x.hungry is not None:
                left = [u.seq for u in self.m.updates.values() if self.m.state(u) == 'r' and x.hungry >> u.lane & 1]
                want(not left, 'nobody told node', x.name, 'of', left)
            if x.id == self.m.sender and x.id in self.m.alive and x.knows is not None:
                left = [c.id for c in self.m.calls.values() if not c.failed and c.place > x.knows]
                want(not left, 'nobody told the sender of calls', left)

    def hear(self):
        heard = self.listener.told()
        self.m.orphaned = self.m.orphaned and 'w' not in heard
        for x in self.nodes:
            if '' in heard:
                x.hungry = None
            if 'o' in heard:
                x.knows = None
        return heard

    # ---- what becomes of nodes ----

    def attach(self, node, at, old, held, expect=None, by=None):
        return self.call("SELECT * FROM attach($1, $2, $3, 3600000, 'x', 1, 1, 'rule', 4, $4, $5, $6)", node.ident, at, node.name,
                         by is not None, old, held, expect=expect, by=by)

    def connect(self):
        """A node's own connection; None: it comes by way of a pooler."""
        if self.rng.random() < .4:
            return None
        c = pq.Connection(sys.argv[2])
        c('SET search_path = property_%s' % sys.argv[4])
        return c

    def hang_up(self, node):
        """Returns when the server knows."""
        c = self.connections.pop(node, None)
        if c:
            pid = c.one('SELECT pg_backend_pid()')
            c.close()
            for _ in range(2000):
                if not self.owner('SELECT 1 FROM pg_stat_activity WHERE pid = $1', pid):
                    return True
                time.sleep(.005)
            raise fleet_model.Wrong('the server does not see that a connection has ended')
        return False

    def join(self, node, fresh, may_reboot=True):
        old, was = node.id, node.id in self.m.alive
        most = self.rng.choice([1, .9, .5])
        held = [] if fresh else [u.seq for u in self.m.updates.values() if u.node == old and self.rng.random() < most]
        if fresh and may_reboot and self.rng.random() < .2:  # another boot: nobody knows that the old process is dead
            self.lives += 1
            node.ident = 'ident %d of %s' % (self.lives, node.name)
            was = False
            self.count('reboot')
        before = self.owner.one('SELECT clock_timestamp()::text')
        self.clock += 1
        connection = self.connect()
        rows = self.attach(node, self.clock, 0 if fresh else old, held, by=connection)
        self.clock_of[node.ident] = self.clock
        node.id, node.session, kept, wait, turn, first, last = rows[0]
        node.hungry = node.knows = None
        self.own(node, first, last)
        want(wait == 0, 'waits', wait)
        if was:
            self.hang_up(old)
        self.connections[node.id] = connection
        self.m.cut.discard(node.id)
        if was and not fresh:
            want(node.id == old and node.session > 1, 'attached as', node.id, node.session, 'not', old)
            self.confirm(old, held, kept)
            self.m.session[old] += 1
            want(turn == self.m.said[old], 'turn', turn, 'not', self.m.said[old])
            self.count('reattached')
            return
        if was:
            self.m.lose({old}, True)
            self.count('restarted')
        if not fresh and old:
            for u in self.m.updates.values():
                if u.charged == old:
                    u.deaths, u.charged = u.deaths - 1, 0
                    self.count('uncharged')
        want(node.id not in self.m.alive and kept == [] and turn == 0, 'a new node', node.id, 'keeps', kept, turn)
        self.m.alive.add(node.id)
        self.m.session[node.id], self.m.resigned[node.id], self.m.said[node.id] = 1, 0, 0
        node.epoch = node.granted = 0
        self.settle_pauses(before)

    def confirm(self, node, held, kept):
        keep, grew = set(held), True
        while grew:  # what stands behind what is not kept cannot be kept
            grew = False
            for u in self.m.updates.values():
                if u.node == node and u.seq in keep and any(v.seq not in keep for k in u.keys for v in self.m.earlier(u, k)):
                    keep.discard(u.seq)
                    grew = True
        mine = {u.seq for u in self.m.updates.values() if u.node == node}
        want(set(kept) == keep & mine, 'kept', kept, 'not', keep & mine)
        for s in mine - keep:
            self.m.updates[s].begun |= self.m.updates[s].started
            self.m.give_back(self.m.updates[s])

    def settle_pauses(self, before):
        """Who died with its node waits for as long as it should; and then until somebody lets an hour pass."""
        for u, seconds in self.m.charged:
            if u.seq in self.m.updates:
                late = self.owner.one("SELECT CASE WHEN due < $2::timestamptz + $3 * interval '1 s' THEN 'sooner' WHEN due >"
                                      " clock_timestamp() + $3 * interval '1 s' THEN 'later' ELSE '' END FROM item WHERE seq = $1",
                                      u.seq, before, seconds)
                want(late == '', u.seq, 'is due', late, 'than after', seconds)
                self.owner("UPDATE item SET due = due + interval '1 hour' WHERE seq = $1", u.seq)
        self.m.charged = []

    def own(self, node, first, last):
        block = set(range(first, last + 1))
        want(not block & self.ids and len(block) >= 256, 'numbers', first, last)
        self.ids |= block
        node.ids += sorted(block)

    def cut(self, node):
        if self.hang_up(node.id):
            self.m.cut.add(node.id)
            self.count('cut')

    def resign(self, node):
        refused = self.fenced(node) or (None if self.m.poller == node.id and self.m.epoch == node.epoch else 'TG002')
        if self.call('SELECT resign($1, $2, $3)', node.id, node.session, node.epoch, expect=refused):
            self.m.poller = None
            want('w' in self.hear(), 'nobody was told that the poller has resigned')

    def leave(self, node):
        if self.call('SELECT leave($1, $2)', node.id, node.session, expect=self.fenced(node)):
            self.m.lose({node.id}, False)
        node.id = 0

    def reap(self, node):
        """One has watched another for a lease; or that has beaten meanwhile."""
        beats = dict(self.owner('SELECT id, beat_no FROM node'))
        others = [n for n in beats if n != node.id]
        if not others:
            return
        ghosts = [n for n in others if n not in [x.id for x in self.nodes]]
        which, moved = self.rng.choice(ghosts if ghosts and self.rng.random() < .7 else others), self.rng.random() < .3
        if moved:
            self.call('SELECT * FROM beat($1, $2, 1, 1, 0, 0)', which, self.m.session[which])
        before = self.owner.one('SELECT clock_timestamp()::text')
        if self.rng.random() < .2:
            gone = self.call('SELECT evict($1, $2)', which, beats[which])[0][0]
        else:
            rows = self.call('SELECT reap($1, $2, $3, $4)', node.id, node.session, [which, node.id],
                             [beats[which], beats.get(node.id, 0)], expect=self.fenced(node))
            if not rows:
                return
            gone = rows[0][0]
        want(gone == (not moved), 'taken over', gone, moved)
        if not moved:
            self.m.lose({which}, True)
            self.settle_pauses(before)
            self.count('taken over')

    def beat(self, node):
        last = self.rng.choice([0, node.granted, node.granted, node.granted - 1, node.granted - 3])
        most = self.rng.choice([0, 2, 1000])
        rows = self.call('SELECT * FROM beat($1, $2, 1, 1, $3, $4)', node.id, node.session, last, most, expect=self.fenced(node))
        if not rows:
            return
        poller, epoch, _, ids, _, _, cancels, unfinished, push = rows[0]
        want((poller, epoch) == (self.m.poller or 0, self.m.epoch), 'beat says', poller, epoch)
        want(sorted(ids or []) == sorted(self.m.alive - {node.id}), 'beat knows', ids, 'not', self.m.alive)
        self.check_cancels(node, cancels)
        want(unfinished == min(most, len(self.m.updates)), 'beat counts', unfinished)
        want((push >= 0) == bool(self.m.pushes), 'a push is due in', push)
        self.m.resigned[node.id] = max(self.m.resigned[node.id], last)
        if node.id in self.m.may_send and last >= self.m.sent:
            self.m.may_send.discard(node.id)
            self.count('resigned')

    def poll(self, node):
        rows = self.call('SELECT * FROM poll($1, $2, $3)', node.id, node.session, self.rng.choice('AB'), expect=self.fenced(node))
        if rows is None:
            return
        want(bool(rows) == (self.m.poller in (None, node.id) or self.m.poller in self.m.cut), 'polls:', rows, self.m.poller)
        if rows:
            self.m.epoch += 1
            self.m.poller = node.id
            want(rows[0][0] == self.m.epoch, 'epoch', rows[0][0], 'not', self.m.epoch)
            node.epoch = self.m.epoch

    # ---- in ----

    def draw_batch(self, root):
        batch, r = [], self.rng
        again = sorted(x for x in self.m.seen)
        for _ in range(r.randint(0, 6)):
            if again and r.random() < .2:
                x = r.choice(again)
                batch.append([True, x[1], x[2], '', False, 0, ''])
            elif batch and r.random() < .1:
                batch.append(batch[-1])
            else:
                self.ids_of[root] = r.randint(1, 50) if r.random() < .02 else self.ids_of[root] + 1  # ids may begin anew
                batch.append([r.random() < .95, self.ids_of[root], r.randint(1, 3),
                              ' '.join(r.sample(KEYS, r.choice([0, 1, 1, 1, 1, 2, 3]))), r.random() < .2, r.randint(0, 3),
                              'broken' if r.random() < .05 else ''])
        return batch

    def put(self, node):
        r, m = self.rng, self.m
        root = r.choice('AB')
        node = next((x for x in self.nodes if x.id and x.id == m.poller and r.random() < .7), node)
        if not node.id:
            return
        confirmed = m.next[root] if r.random() < .6 else r.choice([0, max(0, m.next[root] - 1)])
        batch = self.draw_batch(root)
        epoch = node.epoch - (r.random() < .1)  # perhaps of before it was elected once more
        bodies = [b'%d' % r.randrange(10 ** 9) for _ in batch]
        has, ids, hashes, keys, pinned, lanes, dead = ([x[i] for x in batch] for i in range(7))
        chats = [k.split()[0] if k else '' for k in keys]
        refused = self.fenced(node) or (None if m.poller == node.id and m.epoch == epoch else 'TG002')
        rows = self.call(PUT, node.id, node.session, epoch, root, self.ids_of[root] + 1, confirmed, has, ids, hashes,
                         ['m'] * len(batch), keys, chats, pinned, lanes, [len(b) for b in bodies], dead, b''.join(bodies),
                         expect=refused)
        if not rows:
            return
        if confirmed and confirmed == m.next[root]:
            m.seen -= {x for x in m.seen if x[0] == root and m.confirmed[root] < x[3] <= m.top[root] and x[3] not in m.updates}
            m.confirmed[root] = m.top[root]
        known, new = {(x[1], x[2]) for x in m.seen if x[0] == root}, []
        for i, x in enumerate(batch):
            if not x[0] or (x[1], x[2]) not in known:
                new.append(i)
                known |= {(x[1], x[2])} if x[0] else set()
        seq = self.owner.one('SELECT last_value FROM seq_no') - len(new)
        for i in new:
            seq += 1
            x = batch[i]
            m.top[root] = max(m.top[root], seq)
            if x[0]:
                m.seen.add((root, x[1], x[2], seq))
            if x[6]:
                m.dead[seq] = [x[3], chats[i], x[4], x[5], 0, x[6]]
            else:
                m.add(Update(seq, x[3], chats[i], x[4], x[5], bodies[i]))
        m.next[root] = self.ids_of[root] + 1
        deaths = sum(1 for i in new if dead[i])
        want(rows[0] == [len(new) - deaths, len(batch) - len(new), deaths], 'put says', rows[0])
        self.count('put')
        self.count('repeats', len(batch) - len(new))

    def push(self):
        r = self.rng
        keys = ' '.join(r.sample(KEYS, r.choice([0, 1, 2])))
        late = r.random() < .5
        data = b'%d' % r.randrange(10 ** 9)
        number = self.call("SELECT push(true, $1, 'm', $2, '', true, $3, $4)", HOUR if late else -r.randint(0, 1000), keys,
                           r.randint(0, 3), data)[0][0]
        lane = self.owner.one('SELECT lane FROM later WHERE number = $1', number)
        want(number > max(list(self.m.pushes) + [0]), 'push has number', number)
        first = self.owner.one('SELECT number FROM later ORDER BY due, number LIMIT 1')
        want(('p' in self.hear()) == (first == number), 'the first push is', first, 'and who polls was told otherwise of', number)
        self.m.pushes[number] = [late, keys, lane, data]

    def ripe(self, node):
        r = self.rng
        most, epoch = r.randint(1, 4), node.epoch
        refused = self.fenced(node) or (None if self.m.poller == node.id and self.m.epoch == epoch else 'TG002')
        order = [x[0] for x in self.owner('SELECT number FROM later ORDER BY due, number')]
        rows = self.call('SELECT * FROM ripe($1, $2, $3, $4)', node.id, node.session, epoch, most, expect=refused)
        if not rows:
            return
        due = [n for n in order if not self.m.pushes[n][0]][:most]
        want(rows[0][0] == len(due), 'ripe', rows[0][0], 'not', len(due))
        seq = self.owner.one('SELECT last_value FROM seq_no') - len(due)
        for n in due:
            seq += 1
            _, keys, lane, data = self.m.pushes.pop(n)
            self.m.add(Update(seq, keys, '', True, lane, data))
        self.count('ripe', len(due))

    # ---- a turn ----

    def draw_outcomes(self, node, drain):
        r, m, told = self.rng, self.m, []
        mine = sorted((u for u in m.updates.values() if u.node == node.id), key=lambda u: u.seq)
        for u in mine:
            first = not any(v.started and v.seq < u.seq and v.keys & u.keys for v in mine)
            if not u.started:
                if first and r.random() < .7:
                    told.append((u, 'd' if drain or r.random() < .1 else 's'))
            elif drain or r.random() < .6:
                told.append((u, 'd' if drain else r.choice('dddddxrb')))
        # What is given back takes along what waits behind it here.
        back, grew = {u.seq for u, w in told if w == 'b'}, True
        while grew:
            grew = False
            for u in mine:
                if u.seq not in back and any(m.updates[s].keys & u.keys and s < u.seq for s in back):
                    back.add(u.seq)
                    grew = True
        told = [(u, w) for u, w in told if u.seq not in back] + [(m.updates[s], 'b') for s in sorted(back)]
        strangers = [u for u in m.updates.values() if u.node != node.id]
        if strangers and r.random() < .2:
            told.append((r.choice(strangers), r.choice('sdxrb')))
            self.count('stranger')
        return [{'seq': u.seq, 'what': w, 'failures': u.failures + (w in 'rx'), 'deaths': u.deaths + (r.random() < .05),
                 'interruptions': u.interruptions + (r.random() < .1), 'delay': HOUR if w in 'rb' and r.random() < .5 else 0,
                 'begun': u.started or r.random() < .3, 'reason': 'reason %d' % u.seq} for u, w in told]

    def draw_new_calls(self, ids):
        r, ops = self.rng, []
        for _ in range(r.choice([0, 0, 1, 1, 2] if len(self.m.calls) < 80 else [0])):
            shared = 0
            if r.random() < .4:
                shared = ids[0]
                name = {'name': 'f', 'at': 1, 'length': 2} if r.random() < .5 else {}
                ops.append(dict({'op': 'message', 'id': shared, 'params': '{"m":%d}' % shared}, **name))
            group = ids[0]
            fails = r.choice([0, 0, 0, .2, 1])  # as a reply does, whole or in part
            for _ in range(r.choice([1, 1, 2, 3])):
                ops.append({'op': 'call', 'id': ids.pop(0), 'group': group, 'message': shared, 'kind': 0, 'cost': 1, 'flags': 0,
                            'due': 0, 'expires': HOUR, 'line': r.choice(LINES), 'method': 'sendMessage', 'params': '{"n":%d}' % group})
                if r.random() < fails:
                    ops.append({'op': 'fail', 'id': ops[-1]['id'], 'code': 0, 'reason': 'no such method', 'unsures': 0})
        for _ in range(r.choice([0, 0, 1])):
            known = sorted(self.m.calls) or [0]
            begun = [c for c in known if c and self.m.calls[c].begun] or known
            ops.append(r.choice([
                {'op': 'drop', 'id': r.choice(known)}, {'op': 'drop', 'id': r.choice(begun)}, {'op': 'failed_drop', 'id': r.choice(known)},
                {'op': 'job', 'name': r.choice('xy'), 'chat': r.choice(['', '1']), 'number': r.randint(1, 9)},
                {'op': 'jobs_rest', 'age': r.choice([HOUR, -HOUR])}, {'op': 'value', 'name': r.choice('xy'), 'value': 'v%d' % r.randint(1, 9)}]))
        return ops

    def draw_sending(self):
        r, ops = self.rng, []
        for _ in range(r.choice([1, 2, 3, 4])):
            known = sorted(self.m.calls) + [1]
            begun = [c for c in known if c in self.m.calls and self.m.calls[c].begun] or known
            counts = {'tries': r.randint(0, 3), 'servers': r.randint(0, 3), 'unsures': r.randint(0, 3)}
            ops.append(r.choice([
                dict({'op': 'begin', 'id': r.choice(known), 'due': 0}, **counts), dict({'op': 'begin', 'id': r.choice(known), 'due': 0}, **counts),
                dict({'op': 'again', 'id': r.choice(begun), 'due': HOUR}, **counts), {'op': 'done', 'id': r.choice(begun)},
                {'op': 'done', 'id': r.choice(begun)},
                {'op': 'fail', 'id': r.choice(begun), 'code': 403, 'reason': 'blocked', 'unsures': 1},
                {'op': 'replace', 'id': r.choice(known), 'line': r.choice(LINES), 'params': '{"r":1}', 'flags': 4},
                {'op': 'line', 'line': r.choice(LINES), 'full': r.choice([0, HOUR]), 'cool': r.choice([0, 0, HOUR])},
                {'op': 'lines_rest'}, {'op': 'move', 'from': r.choice(LINES), 'to': '-1001'}]))
        seen = set()  # of each call one thing at most
        return [o for o in ops if 'id' not in o or not (o['id'] in seen or seen.add(o['id']))]

    def turn(self, node, drain=False):
        if not node.id:
            return
        r, m = self.rng, self.m
        told = self.draw_outcomes(node, drain)
        if r.random() < .1:
            self.give_back_wrongly(node)
        ops, epoch = [], 0
        if not drain and r.random() < .7:
            ops = self.draw_new_calls(node.ids)
            if node.granted and r.random() < (.8 if m.sender == node.id and m.sent == node.granted else .2):
                epoch = node.granted - (r.random() < .1)
                ops += self.draw_sending()
            elif r.random() < .05:
                ops.append({'op': r.choice(['lines_rest', 'begin', 'done']), 'id': 1, 'due': 0, 'tries': 0, 'servers': 0, 'unsures': 0})
        lanes, most, run = r.choice([1, 2, 3, 7, 15, 15, 15]), r.randint(0, 5), r.choice([0, 1, 2, 4])
        if drain:
            lanes, most, run = 15, 50, 4
        ids = r.choice([0, 0, 300]) if len(node.ids) < 100 else 0
        if len(node.ids) < 20:
            ops = []
        again = bool(ops) and node.turn > 0 and r.random() < .05  # a turn that was carried out is said once more
        node.turn += not again and bool(ops)
        added = [o['id'] for o in ops if o['op'] == 'call']
        asks_to_send = any(o['op'] in ('begin', 'again', 'done', 'replace', 'line', 'lines_rest', 'move')
                           or (o['op'] == 'fail' and o['id'] not in added) for o in ops)
        may = m.sender == node.id and m.sent == epoch
        refused = self.fenced(node)
        if not refused and ops and m.said[node.id] >= node.turn:
            refused = 'TG010'
        if not refused and ops and ((epoch and not may) or (not epoch and asks_to_send)):
            refused = 'TG002'
        column = {k: [t[k] for t in told] for k in ('seq', 'what', 'failures', 'deaths', 'interruptions', 'delay', 'begun', 'reason')}
        self.age_skips()
        rows = self.call(TURN, node.id, node.session, node.turn, epoch, column['seq'], column['what'], column['failures'],
                         column['deaths'], column['interruptions'], column['delay'], column['begun'], column['reason'],
                         [''] * len(told), json.dumps(ops) if ops else None, b'abcd', ids, lanes, most, run, expect=refused)
        if rows is None:
            node.ids = node.ids if not ops else node.ids[10:]
            return
        self.hear()
        m.outcomes(node.id, told)
        if ops:
            m.said[node.id] = node.turn
            self.place_calls(ops)
        begun = m.out(ops)
        self.place_calls(ops)
        m.ripen_delays()
        self.check_begun(rows, begun)
        self.check_cancels(node, [x[1] for x in rows if x[0] == 'c'])
        places = [x[1] for x in rows if x[0] == 'p']
        want(len(places) == bool(epoch) and all((p or 0) >= max([c.place for c in m.calls.values()] + [0]) for p in places), 'place', places)
        for x in rows:
            if x[0] == 'i':
                self.own(node, x[1], x[12])
        given = {x[1]: x for x in rows if x[0] == 'u'}
        self.check_given(node, given, lanes, most, run)
        want(sorted(x[1] for x in rows if x[0] == 'k') == sorted(s for s in m.asked() if m.updates[s].node == node.id
                                                                 and not m.updates[s].started), 'to be skipped', m.skipping)
        late = [x for x in rows if x[0] == 'n']
        want(bool(late) == (most > len(given) and any(m.state(u) == 'd' for u in m.updates.values())), 'asked to look again', late)
        node.hungry = lanes if most > len(given) else None
        self.count('turn')
        self.count('given', len(given))

    def give_back_wrongly(self, node):
        mine = [u for u in self.m.updates.values() if u.node == node.id]
        bad = [u.seq for u in mine if any(v.seq > u.seq and v.keys & u.keys for v in mine)]
        if bad and node.id in self.m.alive:
            self.call(TURN, node.id, node.session, 0, 0, bad[:1], ['b'], [0], [0], [0], [0], [False], [''], [''], None, None, 0, 0, 0,
                      0, expect='TG007')

    def place_calls(self, ops):
        added = [o['id'] for o in ops if o['op'] == 'call' and o['id'] in self.m.calls]
        places = dict(self.owner('SELECT id, place FROM call WHERE id = ANY ($1)', added))
        last = max([c.place for c in self.m.calls.values() if c.id not in added] + [0])
        for c in added:
            if c in places:
                want(places[c] > last, 'call', c, 'has place', places[c], 'behind', last)
                last = self.m.calls[c].place = places[c]

    def check_begun(self, rows, begun):
        said = {x[1]: x for x in rows if x[0] in 'bg'}
        want(set(said) == set(begun), 'begun', said, 'not', begun)
        for c, there in begun.items():
            want((said[c][0] == 'b') == bool(there), 'call', c, 'begun', said[c], there)
            if there:
                shared = self.m.calls[c].message
                want(said[c][14] == self.m.calls[c].params and said[c][15] == ('{"m":%d}' % shared if shared else None), 'call', said[c])
                want(said[c][17] in ([b'bc'] if said[c][16] else [None]), 'file', said[c])
            self.count('begun' if there else 'gone')

    def check_cancels(self, node, told):
        want(sorted(told) == sorted(s for s, n in self.m.cancels.items() if n == node.id), 'cancels', told, self.m.cancels)

    def check_given(self, node, given, lanes, most, run):
        m = self.m
        ready = sorted((u for u in m.updates.values() if m.state(u) == 'r' and lanes >> u.lane & 1), key=lambda u: u.turn)
        direct = [s for s in given if m.state(m.updates[s]) == 'r']
        want(len(direct) == min(most, len(ready)), 'given', list(given), 'of', [u.seq for u in ready], 'wanted', most)
        left = [u.turn for u in ready if u.seq not in direct]
        want(not direct or not left or max(m.updates[s].turn for s in direct) <= min(left), 'given', direct, 'out of turn')
        for s in direct:
            m.updates[s].node = node.id
        for s in sorted(set(given) - set(direct)):
            u = m.updates[s]
            want(not u.node and run > 1, s, 'given twice, or behind')
            for k in u.keys:
                before = m.earlier(u, k)
                want(len(before) < run and all(v.node == node.id for v in before), s, 'given behind', [v.seq for v in before])
            u.node = node.id
            self.count('behind')
        if run > 1 and most > 0:  # nobody is left out who waits for nothing but what it held, and little of that
            held = [u for u in m.updates.values() if u.node == node.id and (u.seq not in given or u.seq in direct)]
            for u in m.updates.values():
                left = m.state(u) == 'w' and all(v in held for k in u.keys for v in m.earlier(u, k)) and all(
                    len(m.earlier(u, k)) < 2 for k in u.keys)
                want(not left, u.seq, 'was not given behind')
        for s, x in given.items():
            u = m.updates[s]
            want([x[2], x[3], x[4], x[5], x[6], x[7], x[14], x[17]] == [u.lane, u.failures, u.deaths, u.interruptions, u.begun,
                                                                     u.ageless, u.text, u.data], 'given', x)
            want((x[9] >= 0) == u.first and x[10] >= 0, 'given', x)

    def late(self, node):
        """What a connection that was given up had still on its way."""
        if node.id in self.m.alive:
            self.attach(node, self.rng.randint(0, self.clock_of[node.ident]), self.rng.choice([0, node.id]), [], expect='TG010')
        if node.session > 1 or node.id not in self.m.alive:
            old = node.session - 1
            self.call(TURN, node.id, old, 0, 0, [], [], [], [], [], [], [], [], [], None, None, 0, 15, 5, 4, expect='TG001')
            self.call('SELECT * FROM poll($1, $2, $3)', node.id, old, 'A', expect='TG001')
            self.call('SELECT sender($1, $2, $3)', node.id, old, node.epoch, expect='TG001')
            self.call('SELECT * FROM beat($1, $2, 1, 1, 1000, 0)', node.id, old, expect='TG001')

    # ---- out ----

    def sender(self, node):
        m = self.m
        polls = m.poller == node.id and m.epoch == node.epoch and m.resigned[node.id] < node.epoch
        refused = self.fenced(node) or (None if polls else 'TG002')
        rows = self.call('SELECT sender($1, $2, $3)', node.id, node.session, node.epoch, expect=refused)
        if not rows:
            return
        free = m.sender in (None, node.id) or m.sender not in m.alive or m.resigned[m.sender] >= m.sent
        want(rows[0][0] == free, 'may send:', rows[0][0], free)
        if free:
            want(not m.may_send - {node.id}, m.may_send, 'still send')
            m.sender, m.sent, m.may_send = node.id, node.epoch, {node.id}
            node.granted, node.knows = node.epoch, None
            self.count('sender')

    def calls(self, node):
        m = self.m
        refused = self.fenced(node) or (None if m.sender == node.id and m.sent == node.granted else 'TG002')
        waiting = sorted((c for c in m.calls.values() if not c.failed), key=lambda c: c.place)
        start, most = self.rng.choice([0] + [c.place for c in waiting]), self.rng.choice([1, 3, 1000, 1000])
        rows = self.call('SELECT * FROM calls($1, $2, $3, $4, $5)', node.id, node.session, node.granted, start, most, expect=refused)
        if rows is None:
            return
        there = [c for c in waiting if c.place > start][:most]
        want([[x[0], x[1], x[2], x[3], x[13], x[14]] for x in rows] == [[c.place, c.id, c.group, c.message, c.begun, c.line] for c in there],
             'calls', rows, there)
        want(all(x[7] >= 0 and 0 < x[8] <= HOUR for x in rows), 'ages', rows)
        if len(rows) < most:
            node.knows = waiting[-1].place if waiting else 0
        self.count('calls')

    # ---- tools ----

    def numbers(self, there):
        some = sorted(there)
        return self.rng.sample(some, min(len(some), self.rng.randint(1, 3))) + [999999] * (self.rng.random() < .2)

    def fates(self, statement, numbers, *more):
        rows = self.call('SELECT * FROM %s(%s)' % (statement, ', '.join('$%d' % (i + 1) for i in range(1 + len(more)))), numbers, *more)
        want([x[0] for x in rows] == numbers, 'fates of', rows, 'not', numbers)
        self.count(statement)
        return {x[0]: (x[1], x[2]) for x in rows}

    def tool(self):
        m, r = self.m, self.rng
        which = r.choice(['dead_retry', 'dead_drop', 'skip', 'push_drop', 'outbox_retry', 'outbox_drop', 'cancel', 'cancel', 'trim', 'store',
                          'wish'])
        if which == 'dead_retry':
            numbers = self.numbers(m.dead)
            for n, (fate, now) in self.fates(which, numbers).items():
                want(fate == ('changed' if n in m.dead else 'missing'), n, fate)
                if n in m.dead:
                    keys, chat, pinned, lane, _, _ = m.dead.pop(n)
                    data = self.owner.one('SELECT bytes FROM body WHERE seq = $1', now)
                    m.add(Update(now, keys, chat, pinned, lane, data, True))
        elif which == 'dead_drop':
            for n, (fate, _) in self.fates(which, self.numbers(m.dead)).items():
                want(fate == ('changed' if m.dead.pop(n, None) else 'missing'), n, fate)
        elif which == 'skip':
            self.skip()
        elif which == 'push_drop':
            for n, (fate, _) in self.fates(which, self.numbers(m.pushes)).items():
                want(fate == ('changed' if m.pushes.pop(n, None) else 'missing'), n, fate)
        elif which == 'outbox_retry':
            self.outbox_retry()
        elif which == 'outbox_drop':
            self.outbox_drop()
        elif which == 'cancel':
            self.cancel()
        elif which == 'trim':
            self.trim()
        elif which == 'store':
            first = self.call('SELECT ids(300)')[0][0]
            mine = Node('tool')
            self.own(mine, first, first + 299)
            ops = self.draw_new_calls(mine.ids)
            self.call('SELECT store($1, $2)', json.dumps(ops), b'abcd')
            m.out(ops)
            self.place_calls(ops)
        else:
            self.call('SELECT wish($1, $2)', r.choice('abcde'), r.choice(['', 'drain']))
            want('w' in self.hear(), 'no node was told of a wish')

    def outbox_retry(self):
        m = self.m
        groups = {}
        for c in m.calls.values():
            if c.failed:
                groups.setdefault(c.group, []).append(c.id)
        numbers = self.numbers([c.id for c in m.calls.values()])
        for n, (fate, now) in self.fates('outbox_retry', numbers).items():
            there = n in m.calls and m.calls[n].failed
            want(fate == ('changed' if there else 'missing'), n, fate)
            if there:
                old = sorted(c.id for c in m.calls.values() if c.failed and c.group == m.calls[n].group)
                new = [{'op': 'call', 'id': now + i, 'group': now, 'message': m.calls[c].message, 'line': m.calls[c].line,
                        'params': m.calls[c].params} for i, c in enumerate(old)]
                want(not set(x['id'] for x in new) & self.ids, 'numbers', new)
                self.ids |= {x['id'] for x in new}
                shared = set(m.messages)
                for c in old:
                    m.end_call(c, 'again')
                m.messages = shared
                m.out(new)
                self.place_calls(new)

    def outbox_drop(self):
        m = self.m
        begun = [c.id for c in m.calls.values() if c.begun]
        for n, (fate, _) in self.fates('outbox_drop', self.numbers(begun if begun and self.rng.random() < .4 else m.calls)).items():
            c = m.calls.get(n)
            want(fate == ('missing' if not c else 'runs' if c.begun else 'changed'), n, fate)
            if c and not c.begun:
                group = [x.id for x in m.calls.values() if x.failed and x.group == c.group] if c.failed else [n]
                for x in group:
                    m.end_call(x, 'dropped')

    def skip(self):
        m, asks = self.m, self.rng.random() < .7
        self.age_skips()
        self.hear()
        fates = {n: fate for n, (fate, _) in self.fates('skip', self.numbers(m.updates.keys() | m.skipping.keys()), asks).items()}
        held = [n for n in fates if n in m.updates and m.updates[n].node and not m.updates[n].started]
        waits = [n for n in fates if n in m.updates and not m.updates[n].node]
        for n, fate in fates.items():
            want(fate == ('held' if n in held else 'runs' if n in m.updates and n not in waits else
                          'changed' if n in waits or m.skipping.get(n) else 'missing'), n, fate)
            m.skipping.pop(n, None)
            m.stale.discard(n)
        want(('s' in self.hear()) == (asks and bool(held)), 'told of a skip', held)
        m.skipping.update((n, False) for n in held if asks)
        if waits:
            m.remove(waits)

    def age_skips(self):
        """Some ask no more."""
        stale = self.m.stale
        stale |= {s for s in self.m.skipping if self.rng.random() < .1}
        self.owner("UPDATE skipping SET at = clock_timestamp() - CASE WHEN seq = ANY ($1) THEN interval '20 s' ELSE '0' END", sorted(stale))

    def cancel(self):
        m, r = self.m, self.rng
        runs = [u.seq for u in m.updates.values() if u.node and u.started]
        numbers, keys = r.sample(runs, min(len(runs), 1)), r.choice([[], [r.choice(KEYS)]])
        chats, spared = r.choice([[], [r.choice(KEYS)]]), r.choice([[], r.sample(runs, min(len(runs), 1))])
        self.hear()
        n = self.call('SELECT cancel($1, $2, $3, $4)', numbers, keys, chats, spared)[0][0]
        new = [u for u in m.updates.values() if u.node and u.started and u.seq not in spared and u.seq not in m.cancels
               and (u.seq in numbers or u.keys & set(keys) or u.chat in chats)]
        want(n == len(new) and ('c' in self.hear()) == bool(new), 'cancelled', n, [u.seq for u in new])
        for u in new:
            m.cancels[u.seq] = u.node
        self.count('cancelled', n)

    def trim(self):
        m, r = self.m, self.rng
        keep, failed, most = r.choice([-1, 3, 6]), r.choice([-1, 2, 5]), r.choice([1, 100])
        gone = sorted(m.dead)[:max(0, len(m.dead) - keep)] if keep >= 0 else []
        old = sorted(c.id for c in m.calls.values() if c.failed)
        old = old[:max(0, len(old) - failed)] if failed >= 0 else []
        rows = self.call('SELECT * FROM dead_trim($1, -1, $2, $3)', keep, failed, most)
        want(rows[0] == [len(gone[:most]), len(old[:most])], 'trimmed', rows[0], gone, old)
        for n in gone[:most]:
            del m.dead[n]
        for c in old[:most]:
            m.end_call(c, 'failed')

    def hour(self):
        self.owner("UPDATE item SET due = now() - interval '1 s' WHERE due > now()")
        self.owner("UPDATE later SET due = due - interval '2 hours'")
        for u in self.m.updates.values():
            u.delayed = False
        for p in self.m.pushes.values():
            p[0] = False

    # ---- all ----

    def step(self):
        r = self.rng
        node = r.choice(self.nodes)
        if not node.id or (node.id not in self.m.alive and r.random() < .5):
            return self.join(node, not node.id or r.random() < .3)
        what = r.choices(['join', 'put', 'turn', 'poll', 'reap', 'beat', 'leave', 'tool', 'hour', 'late', 'sender', 'calls', 'push', 'ripe', 'cut', 'resign'],
                         [6, 17, 40, 4, 3, 8, 1, 12, 2, 2, 7, 6, 3, 3, 3, 1])[0]
        if what == 'put' and len(self.m.updates) > 50:  # a larger world is slower, and no other
            what = 'turn'
        if what == 'join':
            self.join(node, r.random() < .5)
        elif what in ('tool', 'hour', 'push'):
            getattr(self, what)()
        else:
            wanted = self.m.poller if what in ('sender', 'ripe', 'cut', 'resign') else self.m.sender if what in ('calls', 'turn', 'beat') else 0
            if r.random() < (.3 if what in ('turn', 'beat') else .8):
                node = next((x for x in self.nodes if x.id and x.id == wanted), node)
            getattr(self, what)(node)
        return what

    def audit(self):
        faults = self.call('SELECT * FROM audit')
        want(not faults, 'audit:', faults)

    def drain(self):
        for node in self.nodes:
            self.join(node, True, False)
        for ghost in self.m.alive - {x.id for x in self.nodes}:
            self.call('SELECT evict($1, NULL)', ghost)
            self.m.lose({ghost}, True)
        self.m.charged = []
        self.owner('DELETE FROM later')
        self.m.pushes = {}
        self.hour()
        for _ in range(4000):
            if not self.m.updates:
                break
            self.turn(self.rng.choice(self.nodes), True)
            self.compare()
        want(not self.m.updates, len(self.m.updates), 'updates are never handled')
        want(self.owner('SELECT (SELECT count(*) FROM item), (SELECT count(*) FROM body), (SELECT count(*) FROM ukey)') == [[0, 0, 0]],
             'something is left of what was handled')
        want(all(n == 1 for n in self.m.ended.values()), 'an update ended twice')
        want(all(len(x) == 1 for x in self.m.finished.values()), 'a call ended twice')


def main():
    owner, role, sql, seed, steps = pq.Connection(sys.argv[1]), pq.Connection(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    schema = 'property_%d' % seed
    owner.script("SET client_min_messages = 'warning'")
    owner.script('DROP SCHEMA IF EXISTS %s CASCADE' % schema)
    with open(sql, encoding='utf-8') as f:
        owner.script(f.read().replace('@S@', schema).replace('@BOT@', '1') + "SELECT grant_to_('bot');")
    owner.script('SET search_path = ' + schema)
    role.script('SET search_path = ' + schema)
    world, what, i = World(owner, role, seed), 'the start', 0
    try:
        for i in range(steps):
            what = world.step()
            world.compare()
            if i % 50 == 0:
                world.audit()
        what = 'the drain'
        world.drain()
        world.audit()
    except (fleet_model.Wrong, pq.Error) as e:
        sys.exit('seed %d, call %d, %s: %s' % (seed, i, what, e))
    print('seed %d: %d calls, %d updates: %s' % (seed, steps, len(world.m.ended), ', '.join('%s %d' % x for x in sorted(world.counts.items()))))


main()
