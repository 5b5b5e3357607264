import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chainHash } from '@kgpu/contracts';
import { until } from '@kgpu/runtime/testing';
import { startOn, startSystem, type System } from './system.ts';

let system: System;
let store: DatabaseSync;
let clean: Row[];

type Row = Record<string, string | number | null> & { position: number; revision: number; type: string; data: string };

beforeAll(async () => {
  system = await startSystem();
  for (let count = 0; count < 3; count++) {
    const { body } = await system.admin.post('/v1/gpus', { image: 'debian:12-slim', wait_seconds: 30 });
    await system.admin.delete(`/v1/gpus/${body['gpu_id']}`);
  }
  await system.admin.post('/v1/admin/users/1/credits', { credits: 7 });
  await until(async () => (await system.admin.get('/v1/balance/entries')).body['entries'].filter(({ kind }: { kind: string }) => kind === 'charge').length === 3);
  store = new DatabaseSync(join(system.folder, 'events.db'), { timeout: 10_000 });
  clean = rows();
}, 60_000);

afterAll(async () => {
  store.close();
  await system.remove();
});

const rows = () => store.prepare("SELECT * FROM events WHERE stream = 'account-1' ORDER BY revision").all() as Row[];
const charges = () => clean.filter(({ type }) => type === 'RentalCharged');
const kinds = ({ body }: { body: Record<string, any> }) => [...new Set(body['differences'].map(({ kind }: { kind: string }) => kind))];
const audit = () => system.admin.get('/v1/admin/ledger/audit');
const write = (row: Row, data: object) => store.prepare('UPDATE events SET data = ? WHERE position = ?').run(JSON.stringify(data), row.position);

function insert(row: Row): void {
  const names = Object.keys(row);
  store.prepare(`INSERT INTO events (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`).run(...Object.values(row));
}

/** Puts the account's facts back as they were. */
function restore(): void {
  store.exec('BEGIN IMMEDIATE');
  store.exec("DELETE FROM events WHERE stream = 'account-1'");
  clean.forEach(insert);
  store.exec('COMMIT');
}

/** Audits with the store tampered with, then with it put right. */
async function auditWhile(tamper: () => void) {
  tamper();
  try {
    return await audit();
  } finally {
    restore();
    expect((await audit()).body).toMatchObject({ ok: true, difference_count: 0 });
  }
}

describe('the audit of a store that somebody has tampered with', () => {
  it('finds nothing before that', async () => {
    expect((await audit()).body).toMatchObject({ ok: true, chain_ok: true, differences: [], accounts: 1, sums: { ok: true, granted_units: 60_000_420, charged_units: 1_500 } });
  });

  it('finds a changed charge', async () => {
    const [first] = charges();
    const { body } = await auditWhile(() => write(first!, { ...JSON.parse(first!.data), minutes: 0, units: 0 }));
    expect(body).toMatchObject({ ok: false, chain_ok: false, sums: { ok: false } });
    expect(kinds({ body })).toEqual(['chain_broken', 'charge_changed', 'balance_differs']);
    expect(body['differences'][1]).toMatchObject({ user_id: 1, gpu_id: JSON.parse(first!.data).gpu_id, position: first!.position });
  });

  it('finds a changed charge though the whole chain was made anew', async () => {
    const [first] = charges();
    const { body } = await auditWhile(() => {
      let previous = '';
      for (const row of clean) {
        const data = JSON.parse(row.data) as object;
        const changed = { ...data, ...(row === first ? { minutes: 0, units: 0 } : {}), prev_hash: previous };
        previous = chainHash(previous, row.type, changed);
        write(row, { ...changed, hash: previous });
      }
    });
    expect(body).toMatchObject({ ok: false, chain_ok: true });
    expect(kinds({ body })).toEqual(['charge_changed', 'balance_differs']);
  });

  it('finds a missing charge', async () => {
    const { body } = await auditWhile(() => store.prepare('DELETE FROM events WHERE position = ?').run(charges()[1]!.position));
    expect(kinds({ body })).toEqual(['chain_broken', 'charge_missing', 'balance_differs']);
  });

  it('finds charges in another order', async () => {
    const [first, second] = charges();
    const { body } = await auditWhile(() => {
      write(first!, JSON.parse(second!.data));
      write(second!, JSON.parse(first!.data));
    });
    expect(body).toMatchObject({ ok: false, chain_ok: false });
    expect(kinds({ body })).toContain('charge_without_rental');
  });

  it('finds a charge whose rental has lost its end', async () => {
    const { gpu_id } = JSON.parse(charges()[0]!.data);
    const end = store.prepare("SELECT * FROM events WHERE stream = ? AND type = 'RentalEnded'").get(`rental-${gpu_id}`) as Row;
    store.prepare('DELETE FROM events WHERE position = ?').run(end.position);
    const { body } = await audit();
    insert(end);
    expect(kinds({ body })).toEqual(['charge_without_rental']);
  });

  it('finds a doubled charge, and a ledger that read it answers what is recorded', async () => {
    const last = clean.at(-1)!;
    const copy = { ...charges()[0]!, position: 0, revision: last.revision + 1, id: 'copy', commit_id: 'copy' };
    copy.position = Number(store.prepare('SELECT head + 1 AS next FROM log').get()!['next']);
    store.exec('UPDATE log SET head = head + 1');
    insert(copy);
    const { body } = await audit();
    expect(body).toMatchObject({ ok: false, chain_ok: false });
    expect(kinds({ body })).toEqual(['chain_broken', 'charge_doubled']);
  });

  it('goes on when the ledger stands still at the damage after a restart', async () => {
    restore();
    store.prepare('DELETE FROM events WHERE position = ?').run(charges()[1]!.position);
    await system.stop();
    system = Object.assign(system, await startOn(system.folder));
    expect(await system.admin.get('/readyz')).toMatchObject({ status: 503, body: { parts: { ledger: { ok: false, message: expect.stringContaining('account-1') } } } });
    expect(await system.admin.get('/v1/balance')).toMatchObject({ status: 503, body: { code: 'service_unavailable' } });
    expect(kinds(await audit())).toEqual(expect.arrayContaining(['chain_broken', 'charge_missing']));
    restore();
  });
});
