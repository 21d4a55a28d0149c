// The built program on a port and a SQLite file of its own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const BINARY = process.env.SLIPWAY_BIN;

export class Server {
  static async start() {
    const directory = await mkdtemp(join(tmpdir(), "slipway-console-"));
    const server = new Server(directory, await freePort());
    await server.run();
    return server;
  }

  constructor(directory, port) {
    this.directory = directory;
    this.port = port;
    this.address = `http://127.0.0.1:${port}`;
  }

  async run() {
    this.process = spawn(BINARY, [], {
      stdio: ["ignore", "ignore", "inherit"],
      env: {
        PATH: process.env.PATH,
        SLIPWAY_LISTEN: `127.0.0.1:${this.port}`,
        SLIPWAY_DATABASE_URL: `sqlite://${join(this.directory, "slipway.db")}`,
        SLIPWAY_LOG: "error",
      },
    });
    while (!(await this.isReady())) {
      if (this.process.exitCode !== null) throw new Error(`${BINARY} ended with ${this.process.exitCode}`);
      await pause(20);
    }
  }

  async isReady() {
    try {
      return (await fetch(`${this.address}/readyz`)).ok;
    } catch {
      return false;
    }
  }

  /** Gives it no chance to say goodbye. */
  async kill() {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill("SIGKILL");
    await once(this.process, "exit");
  }

  async stop() {
    await this.kill();
    await rm(this.directory, { recursive: true });
  }

  async ask(query, variables, token) {
    const response = await fetch(`${this.address}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify({ query, variables }),
    });
    return response.json();
  }
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
