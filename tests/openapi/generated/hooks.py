"""What schemathesis has to know of the service and cannot read in the document.

With SIGNED_IN in the environment every request comes from somebody who is signed in.
"""

import os
from functools import cache
from urllib.parse import parse_qsl, urlsplit

import requests
import schemathesis
from schemathesis.core.parameters import ParameterLocation


@schemathesis.hook
def before_call(context, case, kwargs):
    if "SIGNED_IN" in os.environ:
        come_signed_in(case)
    keep_to_what_a_form_can_say(case)


def come_signed_in(case):
    base = case.operation.base_url.rstrip("/")
    operation = case.operation.definition.raw
    callbacks = {"finish_sign_in": "google", "finish_provider_sign_in": "corporate"}
    provider = callbacks.get(operation["operationId"])
    if provider:
        # Nobody can make up a state: it comes from the beginning of a sign-in.
        if case.meta and case.meta.generation.mode.is_positive:
            case.query, case.cookies = reach_callback(base, provider, "linus")
            if case.path_parameters:
                case.path_parameters["provider"] = provider
    elif operation["operationId"] == "end_session":
        # A session of its own, so that the one of the others goes on.
        send_token(case, sign_in(base, "grace"))
    elif "security" in operation:
        send_token(case, session(base))


def send_token(case, token):
    case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}


def keep_to_what_a_form_can_say(case):
    """Takes out of a good form what OpenAPI has no words to rule out: a field that is a parameter of the query as well,
    with another value, and in a multipart form a name that the header of a part cannot hold."""
    if not isinstance(case.body, dict) or not case.meta or case.meta.is_negative_at(ParameterLocation.BODY):
        return
    elsewhere = set(case.query or {})
    if {"authorization", "auth-token"} & {name.lower() for name in case.headers or {}}:
        elsewhere.add("jwt")
    multipart = case.media_type == "multipart/form-data"
    case.body = {
        name: value
        for name, value in case.body.items()
        if name not in elsewhere and not (multipart and any(ord(letter) < 32 or ord(letter) == 127 for letter in name))
    }


@cache
def session(base):
    return sign_in(base, "ada")


def sign_in(base, persona):
    """The user token of a sign-in with the provider emulator."""
    query, cookies = reach_callback(base, "google", persona)
    answer = requests.get(f"{base}/auth/oauth_callback", query, cookies=cookies, allow_redirects=False)
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))["jwt"]


def reach_callback(base, provider, persona):
    """The parameters and the cookies of a callback that nobody has used yet."""
    begun = requests.get(f"{base}/auth/login/{provider}", allow_redirects=False)
    agreed = requests.get(f"{begun.headers['Location']}&persona={persona}", allow_redirects=False)
    return dict(parse_qsl(urlsplit(agreed.headers["Location"]).query)), begun.cookies.get_dict()
