// Debian's nginx and HAProxy in front of a server, each on a free loopback port, ended by its own pid.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, eventually } from '../support/server.mjs';

class Proxy {
  constructor(name) {
    this.dir = mkdtempSync(join(tmpdir(), `lcg-${name}-`));
    this.errors = '';
  }
  async run(command, args, port) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.process = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.process.stderr.on('data', (text) => { this.errors += text; });
    this.process.stdout.on('data', (text) => { this.errors += text; });
    let gone = false;
    this.exited = new Promise((resolve) => this.process.once('exit', () => { gone = true; resolve(); }));
    await eventually(`${command} serves`, async () => {
      if (gone) throw new Error(`${command} ended at start:\n${this.errors}`);
      try { return (await fetch(`${this.url}/health`)).ok; } catch { return false; }
    });
    return this;
  }
  async close() {
    this.process.kill('SIGTERM');
    await this.exited;
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export async function startNginx(target) {
  const proxy = new Proxy('nginx');
  const port = await freePort();
  for (const dir of ['body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']) mkdirSync(join(proxy.dir, dir));
  writeFileSync(join(proxy.dir, 'nginx.conf'), `
daemon off;
master_process off;
pid ${proxy.dir}/pid;
error_log stderr warn;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path ${proxy.dir}/body; proxy_temp_path ${proxy.dir}/proxy; fastcgi_temp_path ${proxy.dir}/fastcgi;
  uwsgi_temp_path ${proxy.dir}/uwsgi; scgi_temp_path ${proxy.dir}/scgi;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://127.0.0.1:${target};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_read_timeout 60s;
    }
  }
}
`);
  return proxy.run('/usr/sbin/nginx', ['-p', proxy.dir, '-c', join(proxy.dir, 'nginx.conf')], port);
}

export async function startHaproxy(target) {
  const proxy = new Proxy('haproxy');
  const port = await freePort();
  writeFileSync(join(proxy.dir, 'haproxy.cfg'), `
global
  maxconn 512
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
  option forwardfor
  option http-no-delay
frontend edge
  bind 127.0.0.1:${port}
  default_backend lcg
backend lcg
  server one 127.0.0.1:${target}
`);
  return proxy.run('/usr/sbin/haproxy', ['-db', '-f', join(proxy.dir, 'haproxy.cfg')], port);
}
