"""What requests gets by a token, as a bearer and as the password of Basic."""
import json
import sys

import requests

SERVICE, TOKEN = sys.argv[1:]


class Bearer(requests.auth.AuthBase):
    def __call__(self, request):
        request.headers["Authorization"] = "Bearer " + TOKEN
        return request


said = []
for auth in (Bearer(), ("anybody", TOKEN)):
    for path in ("/auth/check", "/auth/authorize?service=storage"):
        said.append(requests.get(SERVICE + path, auth=auth).json())
print(json.dumps(said))
