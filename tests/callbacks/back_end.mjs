// A real HTTP back end that does exactly what a test tells it, right or wrong. On loopback, on a port of its own, which
// it keeps over stop() and start().
import { createServer } from 'node:http';

export class BackEnd {
  // answers: path -> (body, request, response) => the answer's object, or undefined when it has answered by itself.
  constructor(answers = {}) {
    this.answers = answers;
    this.asked = [];      // {path, body, headers}
    this.connections = 0;
    this.port = 0;
    this.held = new Set();
  }
  async start() {
    this.server = createServer((request, response) => this.#serve(request, response));
    this.server.keepAliveTimeout = 60000;
    this.server.on('connection', () => { this.connections++; });
    await new Promise((resolve, reject) => this.server.once('error', reject).listen(this.port, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }
  // Goes away at once, whatever is under way.
  async stop() {
    if (!this.server) return;
    const gone = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    this.server = null;
    await gone;
  }
  of(path) { return this.asked.filter((a) => a.path === path); }

  async #serve(request, response) {
    const chunks = [];
    try { for await (const chunk of request) chunks.push(chunk); } catch { return; }
    const body = JSON.parse(Buffer.concat(chunks).toString());
    this.asked.push({ path: request.url, body, headers: request.headers });
    const answer = await (this.answers[request.url] ?? (() => ({ result: {} })))(body, request, response);
    if (answer === undefined || response.destroyed || response.writableEnded) return;
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(answer));
  }
}

// What a back end should not do. Each is an answer for BackEnd.
export const nasty = {
  stalls: () => undefined,  // says nothing until its connection is closed
  drips: (body, request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    const timer = setInterval(() => response.write(' '), 50);
    response.on('close', () => clearInterval(timer));
  },
  notJson: (body, request, response) => { response.end('<html>hello</html>'); },
  empty: (body, request, response) => { response.end(); },
  list: (body, request, response) => { response.end('[]'); },
  twoObjects: (body, request, response) => { response.end('{"result":{}}{"result":{}}'); },
  invalidUtf8: (body, request, response) => { response.end(Buffer.from('7b22726573756c74223a7b2275736572223a22ff227d7d', 'hex')); },
  deep: (body, request, response) => { response.end(`{"result":${'['.repeat(20000)}${']'.repeat(20000)}}`); },
  tenMegabytes: (body, request, response) => { response.end(`{"result":{"data":"${'x'.repeat(10 << 20)}"}}`); },
  tenMegabytesChunked: (body, request, response) => {
    response.write('{"result":{"data":"');
    const chunk = 'x'.repeat(1 << 16);
    for (let i = 0; i < 160; i++) response.write(chunk);
    response.end('"}}');
  },
  diesInTheHead: (body, request, response) => { response.socket.end('HTTP/1.1 200 OK\r\nContent-Le'); },
  diesInTheBody: (body, request, response) => {
    response.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"result":{"us');
  },
  resets: (body, request, response) => { response.socket.resetAndDestroy?.() ?? response.socket.destroy(); },
  lengthTooShort: (body, request, response) => { response.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{"result":{}}'); },
  manyHeaders: (body, request, response) => {
    response.socket.end(`HTTP/1.1 200 OK\r\n${'X-Filler: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n'.repeat(4000)}Content-Length: 2\r\n\r\n{}`);
  },
  status: (code, headers = {}) => (body, request, response) => { response.writeHead(code, headers); response.end('{"result":{"user":"mallory"}}'); },
};
