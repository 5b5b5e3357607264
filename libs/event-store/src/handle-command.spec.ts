import { describe, expect, it } from '@jest/globals';
import { Problem } from '@kgpu/contracts';
import { fresh } from './use-store.ts';
import { given } from './given.ts';
import { CommandHandler } from './handle-command.ts';
import type { CommandOptions, Decider, HandlerOptions } from './handle-command.ts';
import { MemoryEventStore, MemoryLog } from './memory-event-store.ts';

type Purse = { balance: number };
type Command = { take: number } | { put: number };
type Moved = { type: 'Moved'; data: { by: number; at?: string } };

const purse: Decider<Purse, Command, Moved> = {
  initial: { balance: 0 },
  decide(command, { balance }, now) {
    if ('put' in command) return command.put === 0 ? [] : [{ type: 'Moved', data: { by: command.put, at: now.toISOString() } }];
    if (command.take > balance) throw new Problem('balance_too_low', undefined, { balance });
    return [{ type: 'Moved', data: { by: -command.take } }];
  },
  evolve: ({ balance }, { data }) => ({ balance: balance + data.by }),
};

const now = new Date('2026-05-17T01:00:00Z');
let commands = 0;
const once = (): CommandOptions => ({ commitId: `command-${++commands}`, now });

function start(log = new MemoryLog(), options?: HandlerOptions): { store: MemoryEventStore; purses: CommandHandler<Purse, Command, Moved> } {
  const store = new MemoryEventStore(log);
  return { store, purses: new CommandHandler(store, purse, options) };
}

describe('handling a command', () => {
  it('records what was decided and returns the state after it', async () => {
    const { store, purses } = start();
    const options = { ...once(), requestId: 'r-1', causedBy: ['e-1'] };
    const handled = await purses.handle('purse-1', { put: 5 }, options);
    const event = { type: 'Moved', data: { by: 5, at: '2026-05-17T01:00:00.000Z' } };
    expect(handled).toEqual({ state: { balance: 5 }, events: [event], position: 1, revision: 0, repeated: false });
    const [recorded] = await store.read('purse-1');
    expect(recorded).toMatchObject({ ...event, v: 1, metadata: { commit_id: options.commitId, request_id: 'r-1', caused_by: ['e-1'] } });
  });

  it('does not decide a repeated command again, though it would be refused now', async () => {
    const { purses } = start();
    await purses.handle('purse-1', { put: 5 }, once());
    const options = once();
    const first = await purses.handle('purse-1', { take: 5 }, options);
    await purses.handle('purse-1', { put: 1 }, once());
    const repeat = await purses.handle('purse-1', { take: 5 }, options);
    expect(repeat).toEqual({ state: { balance: 1 }, events: first.events, position: first.position, revision: 2, repeated: true });
  });

  it('knows a repeated command after a restart', async () => {
    const log = new MemoryLog();
    const options = once();
    await start(log).purses.handle('purse-1', { put: 5 }, options);
    expect(await start(log).purses.handle('purse-1', { put: 5 }, options)).toMatchObject({ state: { balance: 5 }, repeated: true });
  });

  it('appends nothing when nothing is to be done', async () => {
    const { store, purses } = start();
    expect(await purses.handle('purse-1', { put: 0 }, once())).toEqual({ state: { balance: 0 }, events: [], position: 0, revision: -1, repeated: false });
    await purses.handle('purse-2', { put: 5 }, once());
    await purses.handle('purse-1', { put: 5 }, once());
    await purses.handle('purse-2', { put: 7 }, once());
    expect(await purses.handle('purse-1', { put: 0 }, once())).toMatchObject({ events: [], position: 2, revision: 0 });
    expect(await store.head()).toBe(3);
  });

  it('lets a refusal through and serves the next command', async () => {
    const { purses } = start();
    await expect(purses.handle('purse-1', { take: 1 }, once())).rejects.toMatchObject({ code: 'balance_too_low', fields: { balance: 0 } });
    expect((await purses.handle('purse-1', { put: 1 }, once())).state).toEqual({ balance: 1 });
  });

  it('serves 1,000 commands to one stream at the same moment, and decides each of them once', async () => {
    let decided = 0;
    const counting: typeof purse = { ...purse, decide: (...all) => (decided++, purse.decide(...all)) };
    const purses = new CommandHandler(new MemoryEventStore(), counting);
    await purses.handle('purse-1', { put: 600 }, once());
    const results = await Promise.allSettled(Array.from({ length: 1_000 }, () => purses.handle('purse-1', { take: 1 }, once())));
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(600);
    expect(await purses.load('purse-1')).toMatchObject({ state: { balance: 0 }, revision: 600 });
    expect(decided).toBe(1_001);
  });

  it('decides again when another process was faster', async () => {
    const log = new MemoryLog();
    const processes = [start(log), start(log), start(log), start(log)];
    await processes[0]!.purses.handle('purse-1', { put: 20 }, once());
    const taken = processes.flatMap(({ purses }) => Array.from({ length: 10 }, () => purses.handle('purse-1', { take: 1 }, once())));
    const results = await Promise.allSettled(taken);
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(20);
    const codes = results.filter((result) => result.status === 'rejected').map((result) => (result.reason as Problem).code);
    expect(new Set(codes)).toEqual(new Set(['balance_too_low']));
    expect((await start(log).purses.load('purse-1')).state).toEqual({ balance: 0 });
  });

  it('gives up with a conflict when others are faster 20 times', async () => {
    const store = new MemoryEventStore();
    let tries = 0;
    const slow = new CommandHandler<Purse, Command, Moved>(store, {
      ...purse,
      decide() {
        tries++;
        void store.append('purse-1', [{ type: 'Moved', v: 1, data: { by: 1 } }], fresh());
        return [{ type: 'Moved', data: { by: 1 } }];
      },
    });
    await expect(slow.handle('purse-1', { put: 1 }, once())).rejects.toMatchObject({ code: 'conflict' });
    expect(tries).toBe(20);
  });

  it('takes in what others wrote since the state was kept, over pages of 1,000', async () => {
    const log = new MemoryLog();
    const { purses } = start(log);
    await purses.handle('purse-1', { put: 1 }, once());
    const moved = Array.from({ length: 700 }, () => ({ type: 'Moved', v: 1, data: { by: 1 } }));
    for (let n = 0; n < 3; n++) await start(log).store.append('purse-1', moved, fresh());
    expect(await purses.load('purse-1')).toEqual({ state: { balance: 2_101 }, revision: 2_100, position: 2_101 });
  });

  it('keeps only the states used last, and reads the others again', async () => {
    const { purses } = start(new MemoryLog(), { cacheStreams: 2 });
    for (let n = 0; n < 5; n++) await purses.handle(`purse-${n}`, { put: n + 1 }, once());
    for (let n = 0; n < 5; n++) expect((await purses.handle(`purse-${n}`, { put: 1 }, once())).state).toEqual({ balance: n + 2 });
  });

  it('begins anew after the stream was deleted', async () => {
    const { store, purses } = start();
    await purses.handle('purse-1', { put: 5 }, once());
    await store.deleteStream('purse-1');
    expect(await purses.handle('purse-1', { put: 1 }, once())).toMatchObject({ state: { balance: 1 }, revision: 0, repeated: false });
  });

  it('stamps and lifts versions with the codec, and refuses versions without one', async () => {
    const log = new MemoryLog();
    const codec: HandlerOptions['codec'] = {
      encode: ({ type, data }) => ({ type, v: 2, data }),
      decode: ({ type, v, data }) => ({ type, data: v === 1 ? { by: (data as { amount: number }).amount } : data }),
    };
    const { store, purses } = start(log, { codec });
    await store.append('purse-1', [{ type: 'Moved', v: 1, data: { amount: 3 } }], fresh());
    expect((await purses.handle('purse-1', { put: 1 }, once())).state).toEqual({ balance: 4 });
    expect((await store.read('purse-1')).map((event) => event.v)).toEqual([1, 2]);
    await expect(start(log).purses.load('purse-1')).rejects.toThrow('Moved version 2 at position 2 needs a codec');
  });
});

describe('given', () => {
  const put: Moved = { type: 'Moved', data: { by: 5 } };

  it('checks what a command makes', () => {
    given(purse, [put, put]).when({ take: 10 }, now).then([{ type: 'Moved', data: { by: -10 } }]);
    expect(() => given(purse, [put]).when({ take: 5 }).then([])).toThrow();
  });

  it('checks what a command is refused with', () => {
    given(purse, [put]).when({ take: 6 }).thenProblem('balance_too_low', { balance: 5 });
    expect(() => given(purse, [put]).when({ take: 6 }).thenProblem('conflict')).toThrow();
    expect(() => given(purse, [put]).when({ take: 5 }).thenProblem('balance_too_low')).toThrow('expected a problem');
  });

  it('fails for rules that change a state in place', () => {
    const careless: typeof purse = { ...purse, evolve: (state, { data }) => Object.assign(state, { balance: state.balance + data.by }) };
    expect(() => given(careless, [put])).toThrow(TypeError);
  });
});
