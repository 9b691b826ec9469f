// One server for the interop suites, with what they use switched on, and people to log in.
import { Server, testConfig } from '../support/server.mjs';
import { post, register } from '../../client/demo/device.mjs';

export const API_KEY = 'interop-api-key-0123456789';
const PASSWORD = 'a-long-enough-password';

const NAMESPACES = `    - name: delta
      history_size: 100
      history_ttl: 10m
      allow_recovery: true
      allowed_delta_types: [fossil]
      delta_publish: true
      allow_subscribe_for_client: true
      allow_publish_for_client: true
    - { name: tagged, allow_tags_filter: true, allow_subscribe_for_client: true }
`;

export function interopConfig({ gateway = '', ...options }) {
  return testConfig({
    ...options,
    gateway: `  ping: { interval: 1s, pong_timeout: 500ms }
  transports: { http_stream: true, sse: true, uni_websocket: true, uni_http_stream: true, uni_sse: true }
  api: { keys: [{ name: interop, key: "${API_KEY}" }] }
${gateway}`,
  }).replace('plugins:\n', `${NAMESPACES}plugins:\n`);
}

export const startServer = (options = {}) => new Server({ config: interopConfig, ...options }).start();

export async function login(server, user) {
  await register(server.url, user, PASSWORD);
  const tokens = await post(`${server.url}/oauth/token`,
    { grant_type: 'password', username: user, password: PASSWORD, device: 'phone' });
  return tokens.access_token;
}

// Publishes [tag `kind`, data] pairs over the server API, in order.
export async function publishTagged(server, channel, pairs) {
  for (const [kind, data] of pairs) {
    const response = await fetch(`${server.url}/api/publish`, {
      method: 'POST', headers: { 'X-API-Key': API_KEY, 'Content-Type': 'application/json' },
      body: JSON.stringify({ channel, data, tags: { kind } }),
    });
    const answer = await response.json();
    if (!answer.result) throw new Error(`publish: ${JSON.stringify(answer)}`);
  }
}
