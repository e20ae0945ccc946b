import sys
if sys.version_info < (3, 6):
    sys.exit("Python 3.6 or later is needed, and this is " + sys.version.split()[0])
if sys.path and not sys.path[0]:
    del sys.path[0]  # the current folder: nothing is to be imported from it
import os
channel = os.dup(0)
nothing = os.open(os.devnull, os.O_RDONLY)
os.dup2(nothing, 0)
os.close(nothing)
def read(size):
    data = b""
    while len(data) < size:
        part = os.read(channel, size - len(data))
        if not part:
            os._exit(0)
        data += part
    return data
bridge = compile(read(int.from_bytes(read(4), "big")), "<bridge>", "exec")
exec(bridge, {"__name__": "vestibule_bridge", "CHANNEL": channel})
