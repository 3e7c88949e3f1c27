"""What lib/queue/shared/fleet.sql is to do, said once more, slowly and plainly: the state as lists and sets of Python.
fleet_property.py makes the calls, here stands what they must have done. No clock: what is delayed is an hour away,
until somebody lets that hour pass."""

KEYS = ['chat:%d' % i for i in range(6)] + ['user:%d' % i for i in range(4)]
LIMIT_DEATHS = 5


class Update:
    def __init__(self, seq, keys, chat, pinned, lane, data, ageless=False):
        self.seq, self.text, self.keys, self.chat, self.pinned = seq, keys, set(keys.split()), chat, pinned
        self.lane, self.data, self.ageless = lane, data, ageless
        self.node = self.failures = self.deaths = self.interruptions = self.charged = self.turn = 0
        self.started = self.begun = self.first = False
        self.delayed = self.parked = False  # its time is to come; it is put aside for that


class Call:
    def __init__(self, op):
        self.id, self.group, self.message = op['id'], op['group'], op['message']
        self.line, self.params = op['line'], op['params']
        self.place = self.tries = self.servers = self.unsures = self.code = 0
        self.begun = self.failed = False
        self.reason = ''


class Wrong(Exception):
    pass


def want(condition, *what):
    if not condition:
        raise Wrong(' '.join(map(str, what)))


class Model:
    def __init__(self):
        self.updates, self.dead, self.seen = {}, {}, set()  # seen: (root, id, hash, seq)
        self.confirmed, self.top, self.next = ({'A': 0, 'B': 0} for _ in range(3))
        self.ended = {}  # seq: how often
        self.alive, self.session, self.resigned, self.said = set(), {}, {}, {}
        self.cut = set()  # nodes whose connection has ended, as the server knows
        self.poller = self.sender = None
        self.orphaned = False  # since the last call nobody polls
        self.epoch = self.sent = self.group = 0
        self.calls, self.messages, self.lines, self.moves, self.jobs, self.values = {}, set(), set(), {}, {}, {}
        self.pushes, self.cancels = {}, {}
        self.skipping, self.stale = {}, set()  # asked to be given back: whether it was; of these, nobody asks any more
        self.may_send = set()  # nodes that were told so, and have not said that they stopped
        self.charged = []      # updates that are delayed as a node of theirs died: (update, seconds)
        self.finished = {}     # calls: how they ended

    # ---- which update may go ----

    def earlier(self, u, key):
        return [v for v in self.updates.values() if key in v.keys and v.seq < u.seq]

    def waits_for(self, u):
        return sum(1 for k in u.keys if self.earlier(u, k))

    def state(self, u):
        return 'h' if u.node else 'w' if self.waits_for(u) else 'd' if u.parked else 'r'

    def came_up(self):
        """Who is the first of all its keys, and was not before, has its turn from now on."""
        fresh = [u for u in self.updates.values() if not u.turn and not self.waits_for(u)]
        self.group += bool(fresh)
        for u in fresh:
            u.turn, u.parked = self.group, u.delayed and not u.node

    def add(self, u):
        self.updates[u.seq] = u
        self.came_up()

    def remove(self, seqs):
        for s in seqs:
            del self.updates[s]
            self.ended[s] = self.ended.get(s, 0) + 1
            self.seen -= {x for x in self.seen if x[3] == s and s <= self.confirmed[x[0]]}
        self.came_up()

    def bury(self, seq, attempts, reason):
        u = self.updates[seq]
        self.dead[seq] = [u.text, u.chat, u.pinned, u.lane, attempts, reason]

    def give_back(self, u):
        u.node, u.started = 0, False
        u.parked = u.delayed and not self.waits_for(u)
        self.cancels.pop(u.seq, None)

    def lose(self, nodes, charge):
        """These nodes have no row any more."""
        self.alive -= nodes
        self.may_send -= nodes
        if self.poller in nodes:
            self.poller, self.orphaned = None, True
        for n in nodes:
            del self.session[n], self.resigned[n], self.said[n]
        buried = []
        for u in self.updates.values():
            if u.node in nodes:
                if charge and u.started:
                    self.charged.append((u, min(60, 2 ** (u.deaths + u.interruptions))))
                    u.deaths, u.charged, u.delayed = u.deaths + 1, u.node, True
                self.give_back(u)
                if u.deaths >= LIMIT_DEATHS:
                    buried.append(u.seq)
        for s in buried:
            u = self.updates[s]
            self.bury(s, u.failures + u.deaths + u.interruptions, 'given up after %d deaths%s, at last: tgrun died while it ran' % (
                u.deaths, ' and %d interruptions' % u.interruptions if u.interruptions else ''))
        if buried:
            self.remove(buried)

    # ---- what a turn says ----

    def outcomes(self, node, told):
        mine = [t for t in told if t['seq'] in self.updates and self.updates[t['seq']].node == node]
        for t in mine:
            u = self.updates[t['seq']]
            if t['what'] == 's':
                u.started = u.begun = u.first = True
                u.charged = 0
            else:
                self.cancels.pop(u.seq, None)
            if t['what'] in 'rb':
                u.begun, u.first, u.started = u.begun or t['begun'], u.first or t['begun'], False
                u.failures, u.deaths, u.interruptions = t['failures'], t['deaths'], t['interruptions']
                u.delayed = t['delay'] > 0
            if t['what'] == 'b':
                self.give_back(u)
        if any(t['what'] == 'b' for t in told):
            skipped = [s for s in self.asked() if not self.updates[s].node]
            self.skipping.update((s, True) for s in skipped)
            if skipped:
                self.remove(skipped)
        gone = [t for t in mine if t['what'] == 'x']
        for t in gone:
            self.bury(t['seq'], t['failures'] + t['deaths'] + t['interruptions'], t['reason'])
        if gone:
            self.remove([t['seq'] for t in gone])
        done = [t['seq'] for t in mine if t['what'] == 'd']
        if done:
            self.remove(done)

    def asked(self):
        return [s for s, done in self.skipping.items() if not done and s not in self.stale and s in self.updates]

    def ripen_delays(self):
        for u in self.updates.values():
            if u.parked and not u.delayed:
                u.parked = False

    def end_call(self, call, how):
        del self.calls[call]
        self.finished[call] = self.finished.get(call, []) + [how]
        self.messages &= {c.message for c in self.calls.values()}

    def out(self, ops):
        """Returns the calls that were to begin: {id: whether it is there}."""
        begun = {}
        for op in ops:
            what, c = op['op'], self.calls.get(op.get('id'))
            waits = c and not c.failed
            if what == 'call':
                self.calls[op['id']] = Call(op)
            elif what == 'message':
                self.messages.add(op['id'])
            elif what in ('begin', 'again'):
                if waits:
                    c.begun = what == 'begin'
                    c.tries, c.servers, c.unsures = op['tries'], op['servers'], op['unsures']
                if what == 'begin':
                    begun[op['id']] = waits
            elif what == 'done' and waits:
                self.end_call(c.id, 'done')
            elif what == 'fail' and waits:
                c.begun, c.failed, c.code, c.reason, c.unsures = False, True, op['code'], op['reason'], op['unsures']
            elif what == 'drop' and waits and not c.begun:
                self.end_call(c.id, 'dropped')
            elif what == 'failed_drop' and c and c.failed:
                self.end_call(c.id, 'failed')
            elif what == 'replace' and c:
                c.line, c.params = op['line'], op['params']
            elif what == 'line':
                self.lines -= {op['line']}
                if op['full'] > 0 or op['cool'] > 0:
                    self.lines.add(op['line'])
            elif what == 'move':
                self.moves[op['from']] = op['to']
            elif what == 'job':
                self.jobs[op['name'], op['chat']] = op['number']
            elif what == 'jobs_rest' and op['age'] < 0:
                self.jobs = {k: v for k, v in self.jobs.items() if (k[0], '') not in self.jobs}
            elif what == 'value':
                self.values[op['name']] = op['value']
        return begun

    # ---- all of it, to be compared ----

    def tables(self):
        u = sorted(self.updates.values(), key=lambda u: u.seq)
        return {
            'item': [[x.seq, self.state(x), x.node, self.waits_for(x), x.lane, x.failures, x.deaths, x.interruptions, x.started,
                      x.begun, x.charged, x.first] for x in u],
            'body': [[x.seq, x.text, x.chat, x.pinned, x.ageless] for x in u],
            'seen': sorted([x[3], x[0], x[1], x[2]] for x in self.seen),
            'dead': [[n] + self.dead[n] for n in sorted(self.dead)],
            'call': [[c.id, c.place, c.group, c.message, c.begun, c.failed, c.line, c.params, c.tries, c.servers, c.unsures, c.code,
                      c.reason] for c in sorted(self.calls.values(), key=lambda c: c.id)],
            'message': [[m] for m in sorted(self.messages)],
            'line': [[x] for x in sorted(self.lines)],
            'move': sorted([k, v] for k, v in self.moves.items()),
            'job': sorted([k[0], k[1], v] for k, v in self.jobs.items()),
            'value': sorted([k, v] for k, v in self.values.items()),
            'later': [[n] for n in sorted(self.pushes)],
            'cancel': sorted([k, v] for k, v in self.cancels.items()),
            'skipping': sorted([k, v] for k, v in self.skipping.items()),
            'node': sorted([n, self.session[n], self.resigned[n], self.said[n]] for n in self.alive),
            'meta': [[self.epoch, self.poller, self.sender, self.sent]],
        }


TABLES = {
    'item': 'seq, state, coalesce(node, 0), nwait, lane, failures, deaths, interruptions, started, begun, coalesce(charged, 0),'
            ' first IS NOT NULL',
    'body': 'seq, keys, chat, pinned, again IS NOT NULL',
    'seen': 'seq, root, update_id, hash',
    'dead': 'number, keys, chat, pinned, lane, attempts, reason',
    'call': 'id, place, grp, message, begun, failed IS NOT NULL, line, params, tries, servers, unsures, code, reason',
    'message': 'id', 'line': 'line', 'move': 'line, now', 'job': 'name, chat, number', 'value': 'name, value', 'later': 'number',
    'cancel': 'seq, node', 'skipping': 'seq, done', 'node': 'id, session, resigned, turn', 'meta': 'epoch, poller, sender, sent',
}
ORDER = {'meta': 'one', 'line': 'line COLLATE "C"', 'move': 'line COLLATE "C"', 'job': 'name COLLATE "C", chat COLLATE "C"',
         'value': 'name COLLATE "C"'}


def tables_statement():
    parts = []
    for name, columns in TABLES.items():
        order = ORDER.get(name, columns.split(',')[0])
        source = 'node JOIN said ON said.node = node.id' if name == 'node' else name
        parts.append("SELECT '%s', coalesce(json_agg(json_build_array(%s) ORDER BY %s), '[]')::text FROM %s" % (
            name, columns, order, source))
    return ' UNION ALL '.join(parts)
