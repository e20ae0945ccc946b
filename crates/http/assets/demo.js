// The demonstration beside the profile: fetch a permission token, take it apart, verify it, watch it expire.

import { authorize, kept, publicKeys } from './service.js';
import { decode, verify } from './verify.js';

const byId = (id) => document.getElementById(id);
const moment = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'medium' });

let shown = null; // { token, service, exp }: the token on the page
let ticking = 0;

/** Fills in what depends on this server, and makes the panel work. */
export function startDemo(services) {
  for (const place of document.querySelectorAll('[data-origin]')) place.textContent = location.origin;
  for (const place of document.querySelectorAll('[data-service]')) place.textContent = services[0] ?? 'SERVICE';
  byId('service-select').replaceChildren(...services.map((service) => new Option(service)));
  byId('permission-form').addEventListener('submit', (event) => {
    event.preventDefault();
    fetchToken(byId('service-select').value, event.submitter);
  });
  byId('verify').addEventListener('click', showVerdict);
  if (services.length === 0) showError('No service is configured: name one in ALLOWED_SERVICES.');
}

/** Takes the token off the page, when the person it was made for leaves. */
export function clearDemo() {
  clearInterval(ticking);
  shown = null;
  byId('permission-result').hidden = true;
  showError('');
}

async function fetchToken(service, button) {
  if (!service || button.ariaBusy) return;
  clearDemo();
  button.ariaBusy = 'true';
  const asker = kept.token;
  try {
    const answer = await authorize(asker, service);
    if (kept.token === asker) showAnswer(service, answer);
  } catch (error) {
    showError(error.message);
  } finally {
    button.ariaBusy = null;
  }
}

function showAnswer(service, { token, permissions }) {
  byId('permissions').textContent = JSON.stringify(permissions, null, 2);
  byId('token-result').hidden = !token;
  byId('permission-result').hidden = false;
  if (!token) return showError('No token: the session has ended, or this service is not configured.');
  const { header, claims } = decode(token);
  shown = { token, service, exp: claims.exp };
  byId('token').replaceChildren(...tokenParts(token));
  byId('claims').replaceChildren(...rows(header), ...rows(claims));
  startCountdown();
  showVerdict();
}

/** The three parts, to be told apart by colour; their text together is the token. */
function tokenParts(token) {
  return token.split(/(?=\.)/).map((part) => newElement('span', part));
}

function rows(object) {
  return Object.entries(object).map(([name, value]) => {
    const row = document.createElement('div');
    row.append(newElement('dt', name), newElement('dd', readable(name, value)));
    return row;
  });
}

function readable(name, value) {
  if (['iat', 'exp', 'nbf'].includes(name)) return `${moment.format(value * 1000)} (${value})`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function startCountdown() {
  const tick = () => {
    const left = Math.max(0, Math.ceil(shown.exp - Date.now() / 1000));
    const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
    byId('countdown').textContent = left > 0 ? `expires in ${clock}` : 'expired';
    if (left > 0) return;
    clearInterval(ticking);
    showVerdict();
  };
  clearInterval(ticking);
  ticking = setInterval(tick, 1000);
  tick();
}

async function showVerdict() {
  const { token, service } = shown;
  delete byId('verdict').dataset.valid;
  byId('verify-result').textContent = 'Verifying…';
  let checks = [];
  let failure = '';
  try {
    // Browsers offer WebCrypto in secure contexts only: https, or a loopback address.
    if (!crypto.subtle) throw new Error('this browser verifies on https or localhost only.');
    checks = await verify(token, { keys: await publicKeys(), issuer: location.origin, service });
  } catch (error) {
    failure = error.message;
  }
  if (shown?.token !== token) return;
  const valid = !failure && checks.every((check) => check.passed);
  byId('verdict').dataset.valid = String(valid);
  byId('verify-result').textContent = failure ? `Not verified: ${failure}` : sentence(checks, valid);
  byId('checks').replaceChildren(...checks.map(checkItem));
}

function sentence(checks, valid) {
  if (valid) return `Valid: all ${checks.length} checks passed`;
  const failed = checks.filter((check) => !check.passed).map((check) => check.name.toLowerCase());
  return `Not valid: failed on ${failed.join(', ')}`;
}

function checkItem({ name, passed, detail }) {
  const item = document.createElement('li');
  item.dataset.passed = String(passed);
  const mark = newElement('span', passed ? '✓' : '✗', 'mark');
  mark.role = 'img';
  mark.ariaLabel = passed ? 'Passed' : 'Failed';
  item.append(mark, newElement('strong', name), newElement('span', detail, 'muted'));
  return item;
}

function newElement(name, textContent, className = '') {
  return Object.assign(document.createElement(name), { textContent, className });
}

function showError(sentence) {
  byId('permission-error').textContent = sentence;
  byId('permission-error').hidden = !sentence;
}
