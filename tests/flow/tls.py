# A TLS server and a proxy for tests/flow/tls.t. Each connection is noted, with all its bytes: NAME.count, NAME.raw as they came over the
# wire, NAME.got as they were once decrypted.
#
#   tls.py DIR NAME PORT_FILE tls CERT KEY TARGET_PORT   decrypts and passes on to a port of this machine
#   tls.py DIR NAME PORT_FILE fin|reset|garbage|stall    the same connection at its first byte
#   tls.py DIR NAME PORT_FILE proxy ANSWER TARGET_PORT   answers CONNECT with ANSWER ("" for nothing), and passes on if it says 200 and there is a port
import os
import socket
import ssl
import struct
import sys
import threading

directory, name, port_file, mode = sys.argv[1:5]


def note(kind, data):
    with open(os.path.join(directory, "%s.%s" % (name, kind)), "ab") as f:
        f.write(data)


def pump(source, target):
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            target.sendall(data)
    except OSError:
        pass
    for s in (source, target):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def tls(client):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[5], sys.argv[6])
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_side=True)
    target, lock = None, threading.Lock()

    def flush():
        data = outgoing.read()
        if data:
            client.sendall(data)

    def back():
        try:
            while True:
                data = target.recv(65536)
                if not data:
                    break
                with lock:
                    session.write(data)
                    flush()
            client.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the client left first

    shaken = False
    while True:
        data = client.recv(65536)
        if not data:
            break
        note("raw", data)
        with lock:
            incoming.write(data)
            try:
                if not shaken:
                    session.do_handshake()
                    shaken = True
                plain = session.read(65536)
            except ssl.SSLWantReadError:
                plain = b""
            except ssl.SSLError:
                flush()
                break
            flush()
        if plain:
            note("got", plain)
            if target is None:
                target = socket.create_connection(("127.0.0.1", int(sys.argv[7])))
                threading.Thread(target=back, daemon=True).start()
            target.sendall(plain)
    if target:
        target.close()


def proxy(client):
    head = b""
    while b"\r\n\r\n" not in head:
        data = client.recv(65536)
        if not data:
            return
        head += data
    note("raw", head)
    answer = sys.argv[5].encode().decode("unicode_escape").encode("latin-1")
    client.sendall(answer)
    if b" 200 " in answer and len(sys.argv) > 6:
        target = socket.create_connection(("127.0.0.1", int(sys.argv[6])))
        threading.Thread(target=pump, args=(target, client), daemon=True).start()
        pump(client, target)


def serve(client):
    note("count", b"x")
    try:
        if mode == "tls":
            tls(client)
        elif mode == "proxy":
            proxy(client)
        else:
            note("raw", client.recv(65536))
            if mode == "stall":
                client.recv(1)
            elif mode == "garbage":
                client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            elif mode == "reset":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    client.close()


listener = socket.create_server(("127.0.0.1", 0), backlog=50)
with open(port_file + ".new", "w") as f:
    f.write("%d\n" % listener.getsockname()[1])
os.rename(port_file + ".new", port_file)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
