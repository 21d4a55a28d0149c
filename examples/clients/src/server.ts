// The built server, on a database and a port of its own, behind a door that can be slammed.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import {
  type AddressInfo,
  createServer,
  connect,
  type Server as Listener,
  type Socket,
} from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

const LISTENS = /^Slipway listens on http:\/\/127\.0\.0\.1:(\d+)/;

export class Server {
  readonly #folder: string;
  readonly #door: Listener;
  readonly #connections = new Set<Socket>();
  #process: ChildProcess | undefined;
  #port = 0;

  static async start(): Promise<Server> {
    const folder = await mkdtemp(join(tmpdir(), 'slipway-clients-'));
    const server = new Server(folder);
    server.#door.listen(0, '127.0.0.1');
    await once(server.#door, 'listening');
    await server.#run();
    return server;
  }

  private constructor(folder: string) {
    this.#folder = folder;
    this.#door = createServer((client) => this.#pass(client));
  }

  /** Through the door; stays the same over restarts. */
  get url(): string {
    return `http://127.0.0.1:${(this.#door.address() as AddressInfo).port}/graphql`;
  }

  get socketUrl(): string {
    return this.url.replace('http', 'ws');
  }

  /** Past the door. */
  get directUrl(): string {
    return `http://127.0.0.1:${this.#port}/graphql`;
  }

  /** Cuts every connection, as a network does. */
  cut(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  /** Kills the server at once and starts another on the same database. */
  async restart(): Promise<void> {
    await this.#kill();
    await this.#run();
  }

  async stop(): Promise<void> {
    this.#door.close();
    this.cut();
    await this.#kill();
    await rm(this.#folder, { recursive: true });
  }

  async #run(): Promise<void> {
    const program = process.env['SLIPWAY_BIN'];
    if (!program) throw new Error('SLIPWAY_BIN is the built server, such as target/debug/slipway');
    this.#process = spawn(program, {
      cwd: this.#folder,
      env: { SLIPWAY_LISTEN: '127.0.0.1:0', SLIPWAY_TASK_LEASE: '5s' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#port = await listeningPort(this.#process.stdout!);
  }

  async #kill(): Promise<void> {
    if (this.#process?.exitCode !== null) return;
    this.#process.kill('SIGKILL');
    await once(this.#process, 'exit');
  }

  #pass(client: Socket): void {
    const server = connect(this.#port, '127.0.0.1');
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#connections.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#connections.delete(from);
        to.destroy();
      });
    }
  }
}

async function listeningPort(output: Readable): Promise<number> {
  for await (const line of createInterface({ input: output })) {
    const port = LISTENS.exec(line)?.[1];
    if (port) {
      output.resume();
      return Number(port);
    }
  }
  throw new Error('the server ended before it listened');
}
