"""An app that was written for flask-stateless-auth and leaves to the service which tokens are good. Prints, for each value of
`Authorization` among its arguments, its status and what it says; an empty one is left out of the request."""
import json
import sys

import requests
from flask import Flask, jsonify
from flask_stateless_auth import (
    StatelessAuthError,
    StatelessAuthManager,
    TokenMixin,
    UserMixin,
    current_stateless_user,
    token_required,
)

SERVICE, *HEADERS = sys.argv[1:]

app = Flask(__name__)
manager = StatelessAuthManager(app)


class Token(TokenMixin):
    def __init__(self, session):
        self.session = session


class User(UserMixin):
    def __init__(self, session):
        self.id = session["uid"]


@manager.token_loader
def load_token(token, token_type, auth_type):
    answer = requests.get(SERVICE + "/auth/session", headers={"Authorization": auth_type + " " + token})
    return Token(answer.json()) if answer.status_code == 200 else None


@manager.user_loader
def load_user(token):
    return User(token.session)


@app.errorhandler(StatelessAuthError)
def refuse(error):
    return jsonify(type=error.type, code=error.code, msg=error.msg), error.code


@app.get("/")
@token_required
def index():
    return jsonify(id=current_stateless_user.id)


said = []
for header in HEADERS:
    answer = app.test_client().get("/", headers={"Authorization": header} if header else {})
    said.append([answer.status_code, answer.json])
print(json.dumps(said))
