"""The worker's side: imports the module, then answers one request after the other until the other side hangs up.

A message is four bytes of length, the most significant first, and that many bytes of JSON. This file needs nothing but
CPython 3.6 and its standard library. `boot.py` runs it and has set `CHANNEL`, the socket, which is no longer the standard
input: the module may read and print as it likes.
"""
import array
import copy
import datetime
import faulthandler
import fcntl
import importlib
import json
import os
import select
import signal
import socket
import sys
import traceback

MAX_MESSAGE = 1 << 20
MAX_DEPTH = 64
MAX_TEXT = 500
MAX_FRAMES = 20
# What a hook may change. The host says so too; here it spares a worker the trouble with the rest.
CHANGEABLE = ("name", "avatar_url", "attributes")
FUNCTIONS = ("get_permissions", "on_new_user", "on_user_login", "on_user_logout", "resolve_token")
OWNER = os.getpid()


class Unfit(Exception):
    """What the module gave is no answer; the text says why."""


class Channel:
    """The socket to the plugin, as messages."""

    def __init__(self, number):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, number)
        self.pending = b""

    def receive_lifeline(self):
        """A file descriptor that comes along with one byte."""
        received = array.array("i")
        _, ancillary, _, _ = self.socket.recvmsg(1, socket.CMSG_SPACE(received.itemsize))
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                received.frombytes(data[:received.itemsize])
        os.set_inheritable(received[0], False)
        return received[0]

    def receive(self):
        """The next message, or `None` when the other side has hung up."""
        length = self.take(4)
        body = length and self.take(int.from_bytes(length, "big"))
        return json.loads(body.decode("utf-8")) if body else None

    def take(self, size):
        while len(self.pending) < size:
            part = self.socket.recv(65536)
            if not part:
                return None
            self.pending += part
        taken, self.pending = self.pending[:size], self.pending[size:]
        return taken

    def send(self, body):
        self.socket.sendall(len(body).to_bytes(4, "big") + body)


def conceal():
    """Keeps other processes of this user, such as the workers of other plugins, from looking at what this one is given.

    Where the interpreter has no ctypes, they can. The service itself is closed to all of them, and to this one.
    """
    try:
        import ctypes
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
    except Exception:
        pass


def die_with(lifeline):
    """Ends this process group when the other end of the pipe is closed, which the kernel does however the plugin's process ends.

    The kernel is asked to send SIGKILL, so it does not matter what the module is doing, not even when it holds the
    interpreter's lock. A thread stands in where the kernel does not know how.
    """
    try:
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgid(0))
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    except (AttributeError, OSError):
        import threading

        def watch():
            os.read(lifeline, 1)
            os.killpg(0, signal.SIGKILL)

        threading.Thread(target=watch, daemon=True).start()
    if select.select([lifeline], [], [], 0)[0]:
        os._exit(0)  # it was closed before


def prepare_streams():
    """Whole lines at a time, in UTF-8 whatever the locale says, and no text that cannot be printed."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = open(number, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
        setattr(sys, name, stream)
        setattr(sys, "__" + name + "__", stream)
    faulthandler.enable()


def flush_streams():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass  # the module may have put anything there


def encode(tag, value):
    """The message of one member. Refuses whatever JSON has no word for, or what would not arrive as it was sent."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        check(value, 0)
        body = ('{"%s":%s}' % (tag, text)).encode("utf-8")
    except UnicodeEncodeError:
        raise Unfit("a text holds half of a surrogate pair")
    except RecursionError:
        raise Unfit("it is nested too deep")
    except (TypeError, ValueError) as error:
        raise Unfit(str(error)[:MAX_TEXT])
    if len(body) > MAX_MESSAGE:
        raise Unfit("it has %d bytes, of which %d are allowed" % (len(body), MAX_MESSAGE))
    return body


def check(value, depth):
    if depth > MAX_DEPTH:
        raise Unfit("it is nested more than %d levels deep" % MAX_DEPTH)
    if isinstance(value, dict):
        names = {key if isinstance(key, str) else json.dumps(key) for key in value}
        if len(names) < len(value):
            raise Unfit("two keys become the same text")
        for member in value.values():
            check(member, depth + 1)
    elif isinstance(value, (list, tuple)):
        for member in value:
            check(member, depth + 1)
    elif isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        raise Unfit("an integer does not fit into 64 bits")


def describe(error, retry_on):
    """What is told of an exception: no values of variables and no lines of source, either of which may hold a secret."""
    ancestors = type(error).__mro__
    names = {ancestor.__name__ for ancestor in ancestors}
    names |= {"%s.%s" % (ancestor.__module__, ancestor.__qualname__) for ancestor in ancestors}
    try:
        message = str(error)
    except Exception:
        message = "(its text cannot be made)"
    return {
        "type": type(error).__name__,
        "message": printable(message),
        "frames": frames_of(error),
        "causes": causes_of(error),
        "retry": not names.isdisjoint(retry_on),
    }


def printable(text):
    return text[:MAX_TEXT].encode("utf-8", "backslashreplace").decode("utf-8")


def frames_of(error):
    frames = traceback.walk_tb(error.__traceback__)
    places = [(frame.f_code.co_filename, line, frame.f_code.co_name) for frame, line in frames]
    outside = [place for place in places if not place[0].startswith(("<bridge>", "<frozen importlib"))]
    return [printable("%s:%d in %s" % place) for place in outside[-MAX_FRAMES:]]


def causes_of(error):
    causes = []
    while len(causes) < 5:
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if error is None:
            break
        causes.append(type(error).__name__)
    return causes


def permissions(module, request):
    return encode("permissions", dict_or_none(module.get_permissions(request["service"], request["userid"])))


def identity(module, request):
    answer = module.resolve_token(request["token"], request["context"])
    if hasattr(answer, "send"):
        answer = finish(answer)
    return encode("identity", dict_or_none(answer))


def finish(coroutine):
    """What an `async def` answers, in a loop of its own: handlers of asfquart are written so."""
    import asyncio
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()


def dict_or_none(answer):
    if answer is not None and not isinstance(answer, dict):
        raise Unfit("it is of type %s, not dict" % type(answer).__name__)
    return answer


def hook(module, request):
    user = user_info(request["user"], request["call"])
    before = copy.deepcopy(user)
    getattr(module, request["call"])(user)
    ignored = [key for key in list(before) + [key for key in user if key not in before]
               if key not in CHANGEABLE and differs(before, user, key)]
    kept = {key: user.get(key) for key in CHANGEABLE}
    return encode("user", {"kept": kept, "ignored": [printable(str(key)) for key in ignored[:MAX_FRAMES]]})


def differs(before, user, key):
    if key not in before or key not in user:
        return True
    try:
        return bool(before[key] != user[key])
    except Exception:
        return True  # whoever puts something there that cannot be compared has changed it


def user_info(known, call):
    """A user in the form that dgp-oauth2 gave to its extensions: every column of its table, empty or not."""
    user = dict.fromkeys(("id", "provider_id", "username", "name", "email", "avatar_url", "join_date"))
    user.update(known)
    user["join_date"] = join_date(user["join_date"], call)
    if call == "on_new_user":
        user["new"] = True
    return user


def join_date(text, call):
    """Local time without a zone, as the original stored it."""
    if isinstance(text, str):
        moment = datetime.datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.timezone.utc)
        return moment.astimezone().replace(tzinfo=None)
    return datetime.datetime.now() if call == "on_new_user" else None


ANSWERS = {"get_permissions": permissions, "resolve_token": identity}


def load(hello):
    sys.path[:0] = hello["path"]
    sys.argv = ["-c"]
    return importlib.import_module(hello["module"])


def ready(module):
    functions = [name for name in FUNCTIONS if callable(getattr(module, name, None))]
    return encode("ready", {"functions": functions, "version": sys.version.split()[0]})


def guarded(work, retry_on):
    """The reply, whatever the module does. An attempt to exit is an exception like others: a call needs an answer."""
    try:
        return work()
    except Unfit as error:
        return encode("unfit", printable(str(error)))
    except BaseException as error:
        return encode("exception", describe(error, retry_on))


def main():
    conceal()
    channel = Channel(CHANNEL)
    lifeline = channel.receive_lifeline()
    die_with(lifeline)
    prepare_streams()
    hello = channel.receive()
    retry_on = hello["retry_on"]
    modules = []

    def start():
        modules.append(load(hello))
        return ready(modules[0])

    if hasattr(os, "register_at_fork"):
        # A child that lives on must not keep the socket open: the end of this process would go unnoticed.
        os.register_at_fork(after_in_child=channel.socket.close)
    reply = guarded(start, retry_on)
    while True:
        if os.getpid() != OWNER:
            os._exit(1)  # the module forked, and the child came back
        flush_streams()
        channel.send(reply)
        request = channel.receive()
        if request is None:
            return
        answer = ANSWERS.get(request["call"], hook)
        reply = guarded(lambda: answer(modules[0], request), retry_on)


main()
