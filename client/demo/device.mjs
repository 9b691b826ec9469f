// A chat device: one stock Centrifuge SDK client of one user, with what a phone would keep in its storage.
import { Centrifuge } from 'centrifuge';
import WebSocket from 'ws';
import { Timeline } from './timeline.mjs';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const PAGE = 200;  // entries a pull may return

export class HttpError extends Error {
  constructor(status, body) { super(`HTTP ${status}: ${body}`); this.status = status; }
}

export async function post(url, body, bearer) {
  const form = typeof body === 'string' ? body : new URLSearchParams(body).toString();
  const response = await fetch(url, {
    method: 'POST', body: form,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...(bearer ? { Authorization: `Bearer ${bearer}` } : {}) },
  });
  const text = await response.text();
  if (!response.ok) throw new HttpError(response.status, text);
  return text === '' ? {} : JSON.parse(text);
}

// Repeats `attempt` while the server is away; an answer that is a refusal is thrown.
export async function persist(attempt, { tries = 200, isFinal = (e) => e instanceof HttpError && e.status < 500 && e.status !== 429 } = {}) {
  for (let i = 0; ; i++) {
    try { return await attempt(); } catch (error) {
      if (isFinal(error) || i >= tries) throw error;
      await sleep(Math.min(1000, 50 * (i + 1)) * (0.5 + Math.random()));
    }
  }
}

export async function register(url, user, password) {
  return persist(async () => {
    try { await post(`${url}/oauth/register`, { username: user, password }); } catch (error) {
      if (!(error instanceof HttpError && error.status === 409)) throw error;  // 409: registered before
    }
  });
}

export class Device {
  // url: "http://127.0.0.1:8000". name: the install's id, unique within the user.
  constructor({ url, user, password, name, reconnectMs = 500 }) {
    Object.assign(this, { url, user, password, name });
    this.epoch = 0;
    this.timelines = new Map();
    this.lanes = new Map();      // dialog -> {next cseq, tail promise}
    this.tokens = null;
    this.retries = 0;
    this.lastError = '';
    this.anomalies = [];         // what must never happen, in words
    this.client = new Centrifuge(`${url.replace(/^http/, 'ws')}/connection/websocket`, {
      websocket: WebSocket, minReconnectDelay: reconnectMs / 5, maxReconnectDelay: reconnectMs,
      getToken: () => this.#token(),
      getData: async () => ({ device: this.name, epoch: this.epoch }),  // 0 at first: the numbers below begin anew
    });
    this.client.on('connected', (ctx) => { this.epoch = ctx.data?.epoch ?? this.epoch; });
    this.client.on('disconnected', (ctx) => { if (ctx.code !== 0) this.anomalies.push(`disconnected for good: ${ctx.code} ${ctx.reason}`); });
  }

  async login() {
    this.tokens = await persist(() => post(`${this.url}/oauth/token`,
      { grant_type: 'password', username: this.user, password: this.password, device: this.name }));
    this.tokens.until = Date.now() + (this.tokens.expires_in - 30) * 1000;
  }

  async #token() {
    if (this.tokens && Date.now() < this.tokens.until) return this.tokens.access_token;
    if (this.tokens?.refresh_token) {
      try {
        this.tokens = await post(`${this.url}/oauth/token`, { grant_type: 'refresh_token', refresh_token: this.tokens.refresh_token });
        this.tokens.until = Date.now() + (this.tokens.expires_in - 30) * 1000;
        return this.tokens.access_token;
      } catch (error) { if (!(error instanceof HttpError)) throw error; }  // refused: log in again
    }
    await this.login();
    return this.tokens.access_token;
  }

  async connect() {
    this.client.connect();
    await this.client.ready();
  }
  disconnect() { this.client.disconnect(); }

  // One rpc, repeated with the same arguments while the outcome is unknown or the server is busy.
  async rpc(method, args) {
    return persist(async () => {
      try {
        await this.client.ready(20000);
        return (await this.client.rpc(method, args)).data;
      } catch (error) { this.retries++; this.lastError = `${method}: ${error.code} ${error.message}`; throw error; }
    }, { isFinal: (e) => e.code >= 100 && !e.temporary && e.code !== 109 && e.code !== 100 && e.code !== 111 });
  }

  // Numbers the message and sends it until it is acknowledged; messages of one dialog go one at a time, in order.
  send(dialog, body, type = 'text') {
    const lane = this.lanes.get(dialog) ?? { next: 0, tail: Promise.resolve() };
    this.lanes.set(dialog, lane);
    const cseq = ++lane.next;
    const ack = lane.tail.then(() => this.rpc('message.send', { dialog, cseq, type, body }));
    lane.tail = ack.catch(() => {});
    return ack;
  }

  // Subscribes to the dialog's channel and keeps the timeline whole: what the stream does not bring is pulled.
  follow(dialog, onShow = () => {}) {
    if (this.timelines.has(dialog)) return this.timelines.get(dialog);
    const shownOf = new Map();
    const timeline = new Timeline({
      onShow: (entry) => {
        if (entry.kind === 'msg') {  // a sender's messages are chained; what members do is not a message
          const last = shownOf.get(entry.user) ?? 0;
          if (entry.seq <= last) this.anomalies.push(`${entry.user}: ${entry.seq} shown after ${last}`);
          shownOf.set(entry.user, entry.seq);
        }
        onShow(entry);
      },
    });
    this.timelines.set(dialog, timeline);
    const subscription = this.client.newSubscription(`dialog:${dialog}`, { recoverable: true, positioned: true });
    timeline.subscription = subscription;
    subscription.on('publication', (ctx) => {
      if (ctx.data.seq === undefined) return;  // who types, who has read: in no log
      timeline.add(ctx.data);
      if (ctx.data.seq > timeline.cursor + 1) this.#fill(dialog, timeline);
    });
    subscription.on('subscribed', (ctx) => {
      timeline.subscribedHead = ctx.streamPosition?.offset ?? 0;
      this.#fill(dialog, timeline, timeline.subscribedHead);
    });
    subscription.on('error', () => {});
    subscription.subscribe();
    return timeline;
  }

  unfollow(dialog) {
    const timeline = this.timelines.get(dialog);
    if (!timeline) return;
    timeline.subscription.unsubscribe();
  }

  // Pulls every missing position up to `to` (or the highest known). Concurrent calls share one run.
  async #fill(dialog, timeline, to = 0) {
    timeline.want = Math.max(timeline.want ?? 0, to, timeline.head);
    if (timeline.filling) return timeline.filling;
    if (timeline.cursor >= timeline.want) return undefined;
    timeline.filling = (async () => {
      try {
        while (timeline.cursor < timeline.want) {
          const from = timeline.cursor + 1;
          const page = await this.rpc('dialog.pull', { dialog, from, limit: PAGE });
          // What the answer passes over is outside our membership.
          timeline.raiseFloor((page.entries[0]?.seq ?? page.head + 1) - 1);
          page.entries.forEach((entry) => timeline.add(entry));
        }
      } catch (error) {
        if (error.code !== 103 && this.client.state !== 'disconnected') this.anomalies.push(`pull ${dialog}: ${error.code} ${error.message}`);
      } finally { timeline.filling = null; }
    })();
    return timeline.filling;
  }

  // Asks for the head and pulls up to it: the state after everything has settled.
  async catchUp(dialog, head) {
    const timeline = this.timelines.get(dialog);
    for (let i = 0; timeline.cursor < head && i < 50; i++) await this.#fill(dialog, timeline, head);
    return timeline;
  }
}
