"""An app of flask-stateless-auth whose tokens the service makes: its route for refreshing hands on what the service gives. Prints what the
app says to an access token, to the refresh token beside it, to the access token of the pair that comes, and to each where the other belongs."""
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

SERVICE, ACCESS, REFRESH = sys.argv[1:]

app = Flask(__name__)
manager = StatelessAuthManager(app)


class Token(TokenMixin):
    def __init__(self, told):
        self.told = told


class User(UserMixin):
    def __init__(self, told):
        self.told = told


@manager.token_loader
def load_token(token, token_type, auth_type):
    headers = {"Authorization": auth_type + " " + token}
    if token_type == "refresh":
        answer = requests.put(SERVICE + "/auth/token/refresh", headers=headers)
    else:
        answer = requests.get(SERVICE + "/auth/session", headers=headers)
    return Token(answer.json()) if answer.status_code == 200 else None


@manager.user_loader
def load_user(token):
    return User(token.told)


@app.errorhandler(StatelessAuthError)
def refuse(error):
    return jsonify(type=error.type, code=error.code, msg=error.msg), error.code


@app.get("/")
@token_required
def index():
    return jsonify(id=current_stateless_user.told["uid"])


@app.put("/token/refresh")
@token_required(token_type="refresh")
def refresh():
    told = current_stateless_user.told
    return jsonify({name: told[name] for name in ("access_token", "refresh_token", "expiry")})


def ask(method, path, token):
    answer = app.test_client().open(path, method=method, headers={"Authorization": "Bearer " + token})
    return [answer.status_code, answer.json]


said = {"access": ask("GET", "/", ACCESS), "refresh": ask("PUT", "/token/refresh", REFRESH)}
said["next"] = ask("GET", "/", said["refresh"][1]["access_token"])
said["again"] = ask("PUT", "/token/refresh", REFRESH)
said["swapped"] = [ask("GET", "/", REFRESH), ask("PUT", "/token/refresh", ACCESS)]
print(json.dumps(said))
