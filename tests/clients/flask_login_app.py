"""An app that leaves to the service who a caller is. Prints what it says to each bearer among its arguments, and to nobody."""
import json
import sys

import requests
from flask import Flask, jsonify
from flask_login import LoginManager, UserMixin, current_user, login_required

SERVICE, *BEARERS = sys.argv[1:]

app = Flask(__name__)
login = LoginManager(app)


class User(UserMixin):
    def __init__(self, session):
        self.id = session["uid"]
        self.session = session


@login.request_loader
def load(request):
    header = request.headers.get("Authorization")
    if not header:
        return None
    answer = requests.get(SERVICE + "/auth/session", headers={"Authorization": header})
    return User(answer.json()) if answer.status_code == 200 else None


@app.get("/")
@login_required
def index():
    return jsonify(id=current_user.get_id(), roleaccount=current_user.session["roleaccount"])


said = []
for headers in [{}] + [{"Authorization": "Bearer " + bearer} for bearer in BEARERS]:
    answer = app.test_client().get("/", headers=headers)
    said.append([answer.status_code, answer.json])
print(json.dumps(said))
