"""A connection to PostgreSQL by way of libpq, as much as the tests need: statements with parameters, errors with
their SQLSTATE, and what NOTIFY sent."""
import ctypes

pq = ctypes.CDLL('libpq.so.5')
pq.PQconnectdb.restype = pq.PQexec.restype = pq.PQexecParams.restype = ctypes.c_void_p
pq.PQerrorMessage.restype = pq.PQresultErrorField.restype = pq.PQfname.restype = ctypes.c_char_p
pq.PQgetvalue.restype = ctypes.c_char_p


class Notify(ctypes.Structure):
    _fields_ = [('channel', ctypes.c_char_p), ('pid', ctypes.c_int), ('payload', ctypes.c_char_p)]


pq.PQnotifies.restype = ctypes.POINTER(Notify)
OK, TUPLES = 1, 2
SQLSTATE, MESSAGE = ord('C'), ord('M')


class Error(Exception):
    def __init__(self, state, message):
        super().__init__('%s: %s' % (state, message))
        self.state = state


def quoted(x):
    if x is None:
        return 'NULL'
    return '"%s"' % text(x).replace('\\', '\\\\').replace('"', '\\"')


def text(x):
    if isinstance(x, bool):
        return 't' if x else 'f'
    if isinstance(x, bytes):
        return '\\x' + x.hex()
    if isinstance(x, (list, tuple)):
        return '{%s}' % ','.join(map(quoted, x))
    return str(x)


def array(s):
    return [int(x) for x in s[1:-1].split(',') if x]


# By the type's number in pg_type; what is not here is text.
READ = {16: lambda s: s == 't', 17: lambda s: bytes.fromhex(s[2:]), 20: int, 21: int, 23: int, 1007: array, 1016: array}


class Connection:
    def __init__(self, url):
        self.at = ctypes.c_void_p(pq.PQconnectdb(url.encode()))
        if pq.PQstatus(self.at):
            raise Error('', pq.PQerrorMessage(self.at).decode())

    def close(self):
        pq.PQfinish(self.at)

    def __call__(self, statement, *given):
        """The rows, each a list."""
        values = [None if x is None else text(x).encode() for x in given]
        result = ctypes.c_void_p(pq.PQexecParams(self.at, statement.encode(), len(values), None,
                                                 (ctypes.c_char_p * len(values))(*values), None, None, 0))
        try:
            if pq.PQresultStatus(result) not in (OK, TUPLES):
                raise Error((pq.PQresultErrorField(result, SQLSTATE) or b'').decode(),
                            (pq.PQresultErrorField(result, MESSAGE) or pq.PQerrorMessage(self.at)).decode())
            read = [READ.get(pq.PQftype(result, c), str) for c in range(pq.PQnfields(result))]
            return [[None if pq.PQgetisnull(result, r, c) else read[c](pq.PQgetvalue(result, r, c).decode())
                     for c in range(len(read))] for r in range(pq.PQntuples(result))]
        finally:
            pq.PQclear(result)

    def one(self, statement, *given):
        return self(statement, *given)[0][0]

    def script(self, statements):
        """Several, with no parameters, in one transaction."""
        result = ctypes.c_void_p(pq.PQexec(self.at, statements.encode()))
        if pq.PQresultStatus(result) not in (OK, TUPLES):
            raise Error('', pq.PQerrorMessage(self.at).decode())
        pq.PQclear(result)

    def told(self):
        """The payloads of what NOTIFY sent to this connection, up to what was committed before."""
        self('SELECT 1')
        payloads = []
        while True:
            n = pq.PQnotifies(self.at)
            if not n:
                return payloads
            payloads.append(n.contents.payload.decode())
            pq.PQfreemem(n)
