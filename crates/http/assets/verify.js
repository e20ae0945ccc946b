// Verifies a permission token the way a service does: with the public keys, and without asking anyone else.

const TYPE = 'permission+jwt';
const ALGORITHM = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };

/** The header and the claims of a token, which nobody has verified yet. */
export function decode(token) {
  const [header, claims] = token.split('.').slice(0, 2).map((part) => JSON.parse(new TextDecoder().decode(bytes(part))));
  return { header, claims };
}

/**
 * Makes every check that a service has to make; the token is good when all of them pass.
 *
 * The algorithm is fixed here and never taken from the token, and a key is only ever looked up by its id in the published
 * set: whatever a token says about how it wants to be verified is not listened to.
 */
export async function verify(token, { keys, issuer, service, now = Date.now() / 1000 }) {
  const { header, claims } = decode(token);
  const jwk = keys.find((key) => key.kid === header.kid && key.kty === 'RSA');
  return [
    result('Key', Boolean(jwk), jwk ? 'kid names a published key' : 'kid names no published key'),
    result('Signature', header.alg === 'RS256' && Boolean(jwk) && (await isSigned(token, jwk)), 'RS256, made by that key'),
    result('Type', header.typ === TYPE, `typ is ${header.typ}`),
    result('Issuer', claims.iss === issuer, claims.iss === issuer ? `iss is ${issuer}` : `iss is ${claims.iss}, expected ${issuer}`),
    result('Service', claims.service === service, `service is ${claims.service}`),
    result('Expiry', claims.exp > now, claims.exp > now ? 'exp is still ahead' : 'exp has passed'),
  ];
}

function result(name, passed, detail) {
  return { name, passed, detail };
}

async function isSigned(token, { kty, n, e }) {
  const [header, claims, signature] = token.split('.');
  const key = await crypto.subtle.importKey('jwk', { kty, n, e }, ALGORITHM, false, ['verify']);
  return crypto.subtle.verify(ALGORITHM, key, bytes(signature), new TextEncoder().encode(`${header}.${claims}`));
}

function bytes(base64url) {
  const text = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
