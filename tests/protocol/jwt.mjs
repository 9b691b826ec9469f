// Tokens as an application's own back end signs them: HS256 with a secret that the `token` plugin knows.
import { createHmac } from 'node:crypto';

export const SECRET = 'a-secret-of-the-back-end-0123456789abcdef';
const base64url = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

export function token(claims, secret = SECRET) {
  const signed = `${base64url({ alg: 'HS256', typ: 'JWT' })}.${base64url({ exp: Math.floor(Date.now() / 1000) + 600, ...claims })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
