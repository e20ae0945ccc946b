"""dgp-oauth2 as its users run it: its blueprint in a Flask application, under gunicorn."""

import os

from flask import Flask

from dgp_oauth2 import make_blueprint


class Cache(dict):
    """What the blueprint keeps the state of sign-ins in."""

    def set(self, key, value, timeout=None):
        self[key] = value


app = Flask(__name__)
app.register_blueprint(make_blueprint(os.environ["EXTERNAL_ADDRESS"], Cache()), url_prefix="/auth/")
