// The service as a frontend uses it: the sign-in that arrives in the address, the token this tab keeps, and the calls.

const TOKEN = 'vestibule.token';
const ATTEMPT = 'vestibule.attempt';

/** A call that was refused or had no answer. The message is a sentence for the person in front of the page. */
export class ServiceError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** The user token of this tab. Session storage ends with the tab and is never shared with another origin. */
export const kept = {
  get token() {
    return sessionStorage.getItem(TOKEN);
  },
  set token(value) {
    if (value) sessionStorage.setItem(TOKEN, value);
    else sessionStorage.removeItem(TOKEN);
  },
};

/**
 * Takes what a finished sign-in put into the address, and strips it, so that the token is neither in the history nor in
 * an address that someone copies.
 *
 * `startedHere` is the defence against login CSRF: anyone can send a link to `/?jwt=` with a token of their own, so that
 * the victim works in the attacker's account. The service cannot tell, only the page can: the `next` it handed out
 * carried a random value, which has to come back in the tab that holds the same value, once.
 */
export function takeArrival() {
  const address = new URL(location.href);
  const [token, error, attempt] = ['jwt', 'error', 'attempt'].map((name) => {
    const value = address.searchParams.get(name);
    address.searchParams.delete(name);
    return value || null;
  });
  if (address.href !== location.href) history.replaceState(null, '', address);
  if (!token && !error) return { token, error, startedHere: false };
  const expected = sessionStorage.getItem(ATTEMPT);
  sessionStorage.removeItem(ATTEMPT);
  return { token, error, startedHere: expected !== null && attempt === expected };
}

/** This page as `next`, with the value that {@link takeArrival} compares. */
function nextAddress() {
  const random = crypto.getRandomValues(new Uint8Array(16));
  const attempt = Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('');
  sessionStorage.setItem(ATTEMPT, attempt);
  return `${location.origin}/?attempt=${attempt}`;
}

/**
 * Who the token belongs to, or where to sign in.
 *
 * A site whose `ALLOWED_ORIGINS` name only its frontends refuses this page as `next`. Then the question is asked without
 * one: a sign-in still ends here, the service's own page being the default, but that address is fixed and can carry no
 * value of ours. Such an arrival is put before the person instead, as is one that a frontend without `next` started.
 */
export async function check(token) {
  if (token) {
    const answer = await call('/auth/check', { token });
    if (answer.authenticated) return answer;
  }
  try {
    return await call(`/auth/check?${new URLSearchParams({ next: nextAddress() })}`);
  } catch (error) {
    if (error.code !== 'invalid_next') throw error;
    return call('/auth/check');
  }
}

/** A token that says what this person may do at one service; without one, no permissions at all. */
export function authorize(token, service) {
  return call(`/auth/authorize?${new URLSearchParams({ service })}`, { token });
}

/** Sets the username, which succeeds once. */
export function chooseUsername(token, username) {
  return call('/auth/update', { token, form: { username } });
}

/** Ends the session of the token, or all sessions of its user. */
export function signOut(token, everywhere) {
  return call('/auth/logout', { token, form: everywhere ? { all: 'true' } : {} });
}

/** The public keys that tokens are verified with. */
export async function publicKeys() {
  return (await call('/.well-known/jwks.json')).keys;
}

/** The service's texts are clauses: lower case, no full stop. */
export function asSentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}

// The token travels in a header, never in an address: addresses end up in logs. A browser adds no such header by itself,
// so another site cannot make these calls in the person's name.
async function call(path, { token, form } = {}) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const method = form ? 'POST' : 'GET';
  const body = form && new URLSearchParams(form);
  let response, answer;
  try {
    response = await fetch(path, { method, headers, body, cache: 'no-store' });
    answer = await response.json();
  } catch {
    throw new ServiceError('unreachable', 'The service gave no usable answer. Check the connection and try again.');
  }
  if (!response.ok) throw refusal(response, answer);
  return answer;
}

function refusal(response, { error, error_description: description, request_id: request }) {
  if (error === 'permissions_unavailable') return new ServiceError(error, permissionsUnavailable(response));
  const sentence = description ? asSentence(description) : `The service refused this (${response.status}).`;
  return new ServiceError(error, request ? `${sentence} Reference: ${request}` : sentence);
}

function permissionsUnavailable(response) {
  const seconds = Number.parseInt(response.headers.get('Retry-After'), 10);
  const when = seconds > 0 ? `in ${seconds} second${seconds === 1 ? '' : 's'}` : 'in a moment';
  return `The permissions of this service cannot be looked up right now, so no token was made. Try again ${when}.`;
}
