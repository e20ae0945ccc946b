// The service's own page: which of its views is shown, and what a person does in it.

import { clearDemo, startDemo } from './demo.js';
import { asSentence, check, chooseUsername, kept, signOut, takeArrival } from './service.js';

const MARKS = new Set(['google', 'github']);

// Only these sentences are ever shown for an `error` in the address: its text can be written by anyone.
const SIGN_IN_ERRORS = new Map([
  ['access_denied', 'The sign-in was cancelled, or the provider refused it. You can try again.'],
  ['temporarily_unavailable', 'The provider does not answer right now. Wait a moment, or use another one.'],
  ['invalid_request', 'The provider did not understand the request. Please start again.'],
  ['account_disabled', 'This account is disabled. Ask the people who run this service.'],
]);
const SIGN_IN_FAILED = 'The sign-in did not work. Please try again.';

const byId = (id) => document.getElementById(id);
const day = new Intl.DateTimeFormat('en', { dateStyle: 'long' });

async function start() {
  wireButtons();
  if (document.body.dataset.mode === 'demo') startDemo(document.body.dataset.services.split(' ').filter(Boolean));
  const arrival = takeArrival();
  if (arrival.error) showError(SIGN_IN_ERRORS.get(arrival.error) ?? SIGN_IN_FAILED);
  await open(arrival);
}

/** Shows the view that fits the token that has arrived, else the one that this tab keeps. */
async function open({ token = null, startedHere = false } = {}) {
  try {
    const answer = await check(token ?? kept.token);
    if (!answer.authenticated) openSignedOut(answer.providers, token);
    else if (token && !startedHere) openConfirm(answer.profile, token);
    else openProfile(answer.profile, token ?? kept.token);
  } catch (error) {
    showError(error.message);
    byId('retry').onclick = () => {
      showError('');
      open({ token, startedHere });
    };
    show('unreachable');
  }
}

function openSignedOut(providers, arrived) {
  // A token that arrived dead says nothing about the one that was here before.
  if (arrived && kept.token) return open();
  if (arrived || kept.token) say('Your session has ended. Please sign in again.');
  kept.token = null;
  byId('providers').replaceChildren(...Object.entries(providers).map(providerLink));
  warnOfOtherAddress(Object.values(providers));
  show('signed-out');
}

function providerLink([key, { url, label }]) {
  const link = byId('provider-template').content.firstElementChild.cloneNode(true);
  link.href = url;
  link.dataset.testid = `sign-in-${key}`;
  link.querySelector('use').setAttribute('href', MARKS.has(key) ? `#mark-${key}` : '#mark-other');
  link.querySelector('span').textContent = `Continue with ${asTitle(label, key)}`;
  return link;
}

/** What people call a provider, also one whose sign-in is not offered any more. */
function providerName(key) {
  const labels = [...document.querySelectorAll('[data-provider]')];
  return asTitle(labels.find(({ dataset }) => dataset.provider === key)?.textContent ?? key, key);
}

/** A provider that was given no label has its name for one. */
function asTitle(label, key) {
  return label === key ? key.charAt(0).toUpperCase() + key.slice(1) : label;
}

/** Session storage, tokens and cookies belong to the address that the service knows as its own. */
function warnOfOtherAddress([provider]) {
  const own = provider && new URL(provider.url, location.origin).origin;
  if (own && own !== location.origin) say(`This service lives at ${own}. Open it there to sign in.`);
}

function openConfirm(profile, token) {
  byId('confirm-name').textContent = displayName(profile);
  byId('confirm-email').textContent = profile.email ?? '';
  byId('confirm-continue').onclick = () => openProfile(profile, token);
  byId('confirm-discard').onclick = () => open();
  show('confirm');
}

function openProfile(profile, token) {
  kept.token = token;
  byId('profile-name').textContent = displayName(profile);
  byId('profile-email').textContent = profile.email || 'No e-mail address';
  byId('provider-name').textContent = providerName(profile.provider_id.split(':')[0]);
  byId('provider-id').textContent = profile.provider_id;
  byId('join-date').textContent = day.format(new Date(profile.join_date));
  byId('join-date').dateTime = profile.join_date;
  byId('user-id').textContent = profile.id;
  showAvatar(profile);
  showUsername(profile.username);
  show('signed-in');
}

function displayName({ name, username, email }) {
  return name || username || email?.split('@')[0] || 'No name';
}

function showAvatar(profile) {
  const words = displayName(profile).split(/\s+/).filter(Boolean);
  const ends = words.length > 1 ? [words[0], words.at(-1)] : words;
  byId('initials').textContent = ends.map((word) => Array.from(word)[0]).join('').toUpperCase();
  const image = byId('avatar');
  image.hidden = true;
  image.onload = () => (image.hidden = false);
  if (profile.avatar_url) image.src = profile.avatar_url;
  else image.removeAttribute('src');
}

function showUsername(username) {
  byId('username-form').hidden = Boolean(username);
  byId('username-row').hidden = !username;
  byId('username-value').textContent = username ?? '';
  showUsernameError('');
}

function showUsernameError(sentence) {
  byId('username-error').textContent = sentence;
  byId('username-error').hidden = !sentence;
  byId('username-input').ariaInvalid = sentence ? 'true' : null;
}

async function saveUsername() {
  const answer = await chooseUsername(kept.token, byId('username-input').value.trim());
  if (!answer.success) {
    showUsernameError(asSentence(answer.error));
    byId('username-input').focus();
    return;
  }
  byId('username-input').value = '';
  await open();
  byId('profile-name').focus();
  say('Your username is saved.');
}

async function leave(everywhere) {
  // A failure keeps the token: the session is still alive, and the person can try again.
  await signOut(kept.token, everywhere);
  kept.token = null;
  clearDemo();
  await open();
  say(everywhere ? 'You are signed out on all devices.' : 'You are signed out.');
}

function wireButtons() {
  byId('username-form').addEventListener('submit', (event) => {
    event.preventDefault();
    act(event.submitter, saveUsername);
  });
  byId('sign-out').addEventListener('click', (event) => act(event.currentTarget, () => leave(false)));
  byId('sign-out-everywhere').addEventListener('click', (event) => act(event.currentTarget, () => leave(true)));
  // Browsers offer the clipboard in secure contexts only.
  if (!navigator.clipboard) document.body.classList.add('no-clipboard');
  for (const button of document.querySelectorAll('[data-copy]')) button.addEventListener('click', copy);
}

/** Runs what a button stands for, once at a time. It is not disabled meanwhile: that would take the focus from it. */
async function act(button, action) {
  if (button.ariaBusy) return;
  button.ariaBusy = 'true';
  showError('');
  say('');
  try {
    await action();
  } catch (error) {
    showError(error.message);
  } finally {
    button.ariaBusy = null;
  }
}

async function copy({ currentTarget: button }) {
  await navigator.clipboard.writeText(byId(button.dataset.copy).textContent);
  button.textContent = 'Copied';
  byId('copied').textContent = 'Copied';
  setTimeout(() => {
    button.textContent = 'Copy';
    byId('copied').textContent = '';
  }, 1500);
}

let firstView = true;

/** Shows one view. After the first, its heading gets the focus, which would otherwise be lost with the view that went. */
function show(name) {
  const views = [...document.querySelectorAll('[data-view]')];
  const next = views.find((view) => view.dataset.view === name);
  const changed = next.hidden;
  for (const view of views) view.hidden = view !== next;
  if (changed && !firstView) next.querySelector('h1')?.focus();
  firstView = false;
}

function showError(sentence) {
  byId('error-banner').textContent = sentence;
  byId('error-banner').hidden = !sentence;
}

function say(sentence) {
  byId('notice').textContent = sentence;
  byId('notice').hidden = !sentence;
}

start().catch(() => showError('This page cannot start. Does the browser block session storage?'));
