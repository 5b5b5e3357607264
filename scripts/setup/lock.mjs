/** One set-up at a time in this folder, so that two commands started at once don't install or build into each other. */
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './root.mjs';

/** On Linux the name lives in the kernel and goes with the process; elsewhere it is a socket file that a crash leaves behind. */
const name = `kgpu-setup-${createHash('sha256').update(root).digest('hex').slice(0, 16)}`;
const address = process.platform === 'linux' ? `\0${name}` : join(tmpdir(), name);

/** Runs `work` while no other process does: the one that listens is the one that works, the others wait for it to hang up. */
export async function alone(work) {
  let server = await listen();
  while (server === null) {
    await othersEnd();
    server = await listen();
  }
  try {
    return await work();
  } finally {
    server.release();
  }
}

/** null when another process listens. */
function listen() {
  const waiting = new Set();
  const server = createServer((socket) => waiting.add(socket.on('error', () => {})));
  const release = () => {
    server.close();
    for (const socket of waiting) socket.destroy();
  };
  return new Promise((resolve, reject) => {
    server.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(null) : reject(error)));
    server.listen(address, () => resolve({ release }));
  });
}

function othersEnd() {
  return new Promise((resolve) => {
    const socket = connect(address);
    socket.once('error', (error) => {
      if (error.code === 'ECONNREFUSED' && process.platform !== 'linux') rmSync(address, { force: true });
      resolve();
    });
    socket.once('close', resolve);
  });
}
