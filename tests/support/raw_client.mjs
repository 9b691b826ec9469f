// A WebSocket client that does exactly what it is told, right or wrong: raw bytes over a TCP socket.
import { connect } from 'node:net';
import { randomBytes } from 'node:crypto';

export function frame(payload, { opcode = 1, fin = true, mask = true, rsv = 0, length = null } = {}) {
  const body = Buffer.from(payload);
  const size = length ?? BigInt(body.length);
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  let head;
  if (size < 126n) head = Buffer.from([first, (mask ? 0x80 : 0) | Number(size)]);
  else if (size < 65536n) { head = Buffer.alloc(4); head.writeUInt16BE(Number(size), 2); head[1] = (mask ? 0x80 : 0) | 126; }
  else { head = Buffer.alloc(10); head.writeBigUInt64BE(size, 2); head[1] = (mask ? 0x80 : 0) | 127; }
  head[0] = first;
  if (!mask) return Buffer.concat([head, body]);
  const key = randomBytes(4);
  return Buffer.concat([head, key, body.map((byte, i) => byte ^ key[i & 3])]);
}

export class RawClient {
  constructor(port, host = '127.0.0.1') {
    this.received = Buffer.alloc(0);
    this.messages = [];
    this.closeCode = null;   // of the server's close frame
    this.ended = false;
    this.waiters = [];
    this.socket = connect(port, host);
    this.socket.on('data', (data) => { this.received = Buffer.concat([this.received, data]); this.#parse(); this.#wake(); });
    this.socket.on('error', () => {});
    this.socket.on('close', () => { this.ended = true; this.#wake(); });
  }
  #wake() { this.waiters.splice(0).forEach((w) => w()); }

  // Waits until check() is true or the time is up; returns what check() gave.
  async until(check, ms = 15000) {
    const deadline = Date.now() + ms;
    for (let v; ;) {
      if ((v = check())) return v;
      const left = deadline - Date.now();
      if (left <= 0) return false;
      await new Promise((resolve) => { const t = setTimeout(resolve, Math.min(left, 200)); this.waiters.push(() => { clearTimeout(t); resolve(); }); });
    }
  }
  write(bytes) { this.socket.write(bytes); return this; }
  end() { this.socket.destroy(); }

  // Sends an HTTP request as written and returns {status, text} of the answer's head.
  async http(request) {
    this.raw = true;
    this.write(request);
    await this.until(() => this.ended || this.received.includes('\r\n\r\n'));
    const text = this.received.toString('latin1');
    return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0), text };
  }
  async upgrade({ path = '/connection/websocket', headers = {} } = {}) {
    const all = { Host: 'localhost', Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': randomBytes(16).toString('base64'), ...headers };
    const lines = Object.entries(all).filter(([, v]) => v !== null).map(([k, v]) => `${k}: ${v}\r\n`).join('');
    this.raw = true;
    this.write(`GET ${path} HTTP/1.1\r\n${lines}\r\n`);
    await this.until(() => this.ended || this.received.includes('\r\n\r\n'));
    const end = this.received.indexOf('\r\n\r\n');
    const text = this.received.subarray(0, end < 0 ? undefined : end).toString('latin1');
    this.received = end < 0 ? Buffer.alloc(0) : this.received.subarray(end + 4);
    this.raw = false;
    this.#parse();
    return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0), text };
  }
  #parse() {
    if (this.raw) return;
    while (this.received.length >= 2) {
      let length = this.received[1] & 0x7f, head = 2;
      if (length === 126) { if (this.received.length < 4) return; length = this.received.readUInt16BE(2); head = 4; }
      else if (length === 127) { if (this.received.length < 10) return; length = Number(this.received.readBigUInt64BE(2)); head = 10; }
      if (this.received.length < head + length) return;
      const opcode = this.received[0] & 15, payload = this.received.subarray(head, head + length);
      this.received = this.received.subarray(head + length);
      if (opcode === 8) { this.closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : 1005; this.closeReason = payload.subarray(2).toString(); }
      else if (opcode === 1) for (const line of payload.toString().split('\n')) this.messages.push(JSON.parse(line));
      else if (opcode === 10) this.pong = payload;
    }
  }
  send(message, options) { return this.write(frame(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message), options)); }

  // The answer to command `id`, or {closed: code} when the server closes instead.
  async answer(id, ms) {
    const found = () => this.messages.find((m) => m.id === id);
    await this.until(() => found() || this.closeCode !== null || this.ended, ms);
    return found() ?? { closed: this.closeCode ?? (this.ended ? 1006 : 0) };
  }
  async closed(ms) {
    await this.until(() => this.closeCode !== null || this.ended, ms);
    return this.closeCode ?? (this.ended ? 1006 : 0);
  }
  // Upgrades and connects with a token; returns the connect reply.
  async login(token, data = { device: 'raw' }) {
    await this.upgrade();
    this.send({ id: 1, connect: { token, data } });
    return this.answer(1);
  }
}
