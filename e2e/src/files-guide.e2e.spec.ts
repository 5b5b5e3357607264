import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { has, pythonWithRequests, shell } from './shell.ts';
import { testedStores } from './stores.ts';
import { startSystem, type System } from './system.ts';

const python = pythonWithRequests();
const withPython = python === null ? it.skip : it;
const withRclone = has('rclone') ? it : it.skip;
const withWget = has('wget') ? it : it.skip;

const stores = await testedStores();
afterAll(async () => {
  for (const { seaweed } of stores) await seaweed?.stop();
});

for (const { name, settings } of stores) {
  (settings === null ? describe.skip : describe)(`the guide's commands for files, typed as they stand, on ${name}`, () => {
    let system: System;
    const folder = mkdtempSync(join(tmpdir(), 'kgpu-guide-'));
    const type = (lines: string, environment: Record<string, string> = {}) => shell(system, folder, lines, environment);
    const same = (a: string, b: string) => type(`cmp ${a} ${b}`);

    beforeAll(async () => {
      system = await startSystem(settings!);
      await system.admin.post('/v1/admin/orgs', { slug: 'vitallab', name: 'Vital Lab', owner_user_id: 1 });
      for (const file of ['mitdb.zip', 'checkpoint.pt', 'results.csv']) writeFileSync(join(folder, file), randomBytes(file === 'mitdb.zip' ? 3_000_000 : 50_000));
    }, 60_000);
    afterAll(async () => {
      await system.remove();
      rmSync(folder, { recursive: true, force: true });
    }, 60_000);

    it('upload in one go with Expect, and again without', async () => {
      await type(`curl -fsS -L -H "Authorization: Bearer $KGPU_API_TOKEN" \\
  -H "Expect: 100-continue" \\
  -T mitdb.zip \\
  "$KGPU_API_BASE/v1/shared/vitallab/datasets/ecg/mit-bih-arrhythmia-database-1.0.0.zip"`);
      await type(`curl -fsS -L -H "Authorization: Bearer $KGPU_API_TOKEN" \\
  "$KGPU_API_BASE/v1/shared/vitallab/datasets/ecg/mit-bih-arrhythmia-database-1.0.0.zip" \\
  -o first.zip`);
      await same('mitdb.zip', 'first.zip');
      await type(`curl -fsS -L -H "Authorization: Bearer $KGPU_API_TOKEN" \\
  -T mitdb.zip \\
  "$KGPU_API_BASE/v1/shared/vitallab/datasets/ecg/again.zip"
curl -fsS -L -H "Authorization: Bearer $KGPU_API_TOKEN" -H "Expect:" -T mitdb.zip "$KGPU_API_BASE/v1/shared/vitallab/datasets/ecg/never.zip"
curl -fsS -L -H "Authorization: Bearer $KGPU_API_TOKEN" "$KGPU_API_BASE/v1/shared/vitallab/datasets/ecg/again.zip" -o again.zip
curl -fsS -L -H "Authorization: Bearer $KGPU_API_TOKEN" "$KGPU_API_BASE/v1/shared/vitallab/datasets/ecg/never.zip" -o never.zip`);
      await same('mitdb.zip', 'again.zip');
      await same('mitdb.zip', 'never.zip');
    });

    it('keep artifacts: a checkpoint, results, and the last command of a run, piped', async () => {
      await type(`curl -fsS -L -H "Authorization: Bearer $KGPU_API_TOKEN" \\
  -H "Expect: 100-continue" \\
  -T checkpoint.pt \\
  "$KGPU_API_BASE/v1/files/checkpoints/exp42/checkpoint.pt"
curl -fsS -L -H "Authorization: Bearer $KGPU_API_TOKEN" -H "Expect: 100-continue" -T results.csv "$KGPU_API_BASE/v1/files/exp42/results.csv"
mkdir -p outputs && cp checkpoint.pt results.csv outputs/
tar -czf - -C . outputs/ | \\
  curl -fsS -L -H "Authorization: Bearer $KGPU_API_TOKEN" \\
  -H "Expect: 100-continue" \\
  -H "Content-Type: application/gzip" \\
  --data-binary @- \\
  "$KGPU_API_BASE/v1/files/runs-out/\${KGPU_GPU_ID}-outputs.tgz"`, { KGPU_GPU_ID: 'gpu-1' });
      await type(`curl -fsSL -H "Authorization: Bearer $KGPU_API_TOKEN" "$KGPU_API_BASE/v1/files/runs-out/gpu-1-outputs.tgz" | (mkdir -p back && tar -xzf - -C back)
cmp back/outputs/checkpoint.pt checkpoint.pt
curl -fsSL -H "Authorization: Bearer $KGPU_API_TOKEN" "$KGPU_API_BASE/v1/files/checkpoints/exp42/checkpoint.pt" | cmp - checkpoint.pt`);
      const listed = await system.admin.get('/v1/files?glob=runs-out/*');
      expect(listed.body['files']).toMatchObject([{ path: 'runs-out/gpu-1-outputs.tgz' }]);
    });

    it('upload from standard input without a length, small and of many parts', async () => {
      await type(`head -c 40000 mitdb.zip | curl -fsS -L -H "Authorization: Bearer $KGPU_API_TOKEN" -T - "$KGPU_API_BASE/v1/files/small.bin"
head -c 23000000 /dev/zero | tr '\\0' x | curl -fsS -L -H "Authorization: Bearer $KGPU_API_TOKEN" -T - "$KGPU_API_BASE/v1/files/parts.bin"
head -c 40000 mitdb.zip | cmp - <(curl -fsSL -H "Authorization: Bearer $KGPU_API_TOKEN" "$KGPU_API_BASE/v1/files/small.bin")
head -c 23000000 /dev/zero | tr '\\0' x | cmp - <(curl -fsSL -H "Authorization: Bearer $KGPU_API_TOKEN" "$KGPU_API_BASE/v1/files/parts.bin")`);
      const { body } = await system.admin.get('/v1/files?prefix=parts');
      expect(body['files']).toMatchObject([{ size: 23_000_000 }]);
      expect(body['quota'].reserved_bytes).toBe(0);
    });

    withPython(`upload in two steps with python-requests${python === null ? ' (no Python has it here)' : ''}`, async () => {
      const script = `
import os, requests
API, tok, local = os.environ["KGPU_API_BASE"], os.environ["KGPU_API_TOKEN"], "mitdb.zip"
key = "vitallab/two-step.zip"
r = requests.post(f"{API}/v1/shared/{key}", headers={"Authorization": f"Bearer {tok}", "x-content-type": "application/zip"}).json()
with open(local, "rb") as f:
    requests.put(r["url"], data=f, headers={"Content-Type": "application/zip"}).raise_for_status()
done = requests.post(f"{API}/v1/shared/{key}/registered", headers={"Authorization": f"Bearer {tok}"}).json()
assert done["size"] == os.path.getsize(local), done
# My drive wants the size.
headers = {"Authorization": f"Bearer {tok}", "X-Content-Length": str(os.path.getsize(local))}
r = requests.post(f"{API}/v1/files/two-step.zip", headers=headers).json()
with open(local, "rb") as f:
    requests.put(r["url"], data=f, headers=r["headers"]).raise_for_status()
# In one go: it follows.
with open(local, "rb") as f:
    requests.put(f"{API}/v1/files/one-go.zip", data=f, headers={"Authorization": f"Bearer {tok}"}).raise_for_status()
for path in ["files/two-step.zip", "files/one-go.zip", f"shared/{key}"]:
    got = requests.get(f"{API}/v1/{path}", headers={"Authorization": f"Bearer {tok}"})
    assert got.content == open(local, "rb").read(), path
print(requests.head(f"{API}/v1/shared/{key}", headers={"Authorization": f"Bearer {tok}"}).headers["Content-Type"])
`;
      writeFileSync(join(folder, 'two_step.py'), script);
      expect(await type(`${python} two_step.py`)).toBe('application/zip\n');
    });

    withWget(`download with wget${has('wget') ? '' : ' (not here)'}, and go on with what is missing`, async () => {
      await type(`curl -fsS -L -H "Authorization: Bearer $KGPU_API_TOKEN" -T mitdb.zip "$KGPU_API_BASE/v1/files/wget.zip"
wget -q --header="Authorization: Bearer $KGPU_API_TOKEN" "$KGPU_API_BASE/v1/files/wget.zip" -O wget.zip
cmp mitdb.zip wget.zip
head -c 1000000 mitdb.zip > rest.zip
wget -q -c --header="Authorization: Bearer $KGPU_API_TOKEN" "$KGPU_API_BASE/v1/files/wget.zip" -O rest.zip
cmp mitdb.zip rest.zip
head -c 1000000 mitdb.zip > part.zip
curl -fsSL -C - -H "Authorization: Bearer $KGPU_API_TOKEN" "$KGPU_API_BASE/v1/files/wget.zip" -o part.zip
cmp mitdb.zip part.zip`);
    });

    it('upload code, run it in a rented GPU that fetches it, and return it', async () => {
      writeFileSync(join(folder, 'train.py'), 'print("trained on", 6 * 7)\n');
      const out = await type(`GPU=$(curl -sS -X POST -H "Authorization: Bearer $T" -H "Content-Type: application/json" \\
  $KGPU_API_BASE/v1/gpus -d '{ "name": "exp", "image": "nvcr.io/nvidia/pytorch:24.10-py3", "wait_seconds": 30 }' | jq -r .gpu_id)
curl -L -fsS -H "Authorization: Bearer $T" -H "Expect: 100-continue" -T train.py \\
  $KGPU_API_BASE/v1/files/train.py
RUN=$(curl -sS -X POST -H "Authorization: Bearer $T" -H "Content-Type: application/json" \\
  $KGPU_API_BASE/v1/runs -d "{ \\"gpu_id\\": \\"$GPU\\", \\"name\\": \\"train\\", \\"wait_seconds\\": 30, \\"command\\": [\\"bash\\", \\"-c\\", \\"curl -sLH 'Authorization: Bearer $KGPU_API_TOKEN' $KGPU_API_BASE/v1/files/train.py > /tmp/train.py && python3 /tmp/train.py && echo kept | curl -fsSL -H \\\\\\"Authorization: Bearer \\$KGPU_API_TOKEN\\\\\\" -T - \\$KGPU_API_BASE/v1/files/from-the-rental.txt\\"] }")
echo $RUN | jq -r .stdout
curl -sS -X DELETE -H "Authorization: Bearer $T" $KGPU_API_BASE/v1/gpus/$GPU | jq -r .end_reason
curl -fsSL -H "Authorization: Bearer $T" $KGPU_API_BASE/v1/files/from-the-rental.txt`);
      expect(out).toBe('trained on 42\n\nreturned\nkept\n');
    }, 90_000);

    it("of the server's own guide, one after the other", async () => {
      const guide = await (await fetch(`${system.url}/AGENTS.md`)).text();
      const section = /^## Files: [\s\S]*?(?=^## )/m.exec(guide)![0];
      const blocks = (language: string) => [...section.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, lines]) => lines!);
      expect(blocks('bash')).toHaveLength(5);
      const out = await type(blocks('bash').join('\n'));
      expect(out).toContain('trained\n');
      expect(out).toContain('"paths": [\n    "exp42/results.csv"\n  ]');
      expect(out).toContain('"path": "big-in-parts.bin",\n  "size": 12000000');
      if (python !== null) {
        writeFileSync(join(folder, 'guide.py'), blocks('python').join('\n'));
        await type(`${python} guide.py`);
      }
      await type('curl -fsSL -H "Authorization: Bearer $KGPU_API_TOKEN" "$KGPU_API_BASE/v1/files/big-in-parts.bin" | cmp - big.bin');
    }, 90_000);

    withRclone(`list and copy with rclone over :http:${has('rclone') ? '' : ' (not here)'}`, async () => {
      const names = ['plain.txt', 'a b+c%20d.txt', 'q?r#s&t=u;v.txt', "it's (1)!.txt", 'été/世界.txt', 'deep/er/x'];
      for (const file of names) {
        const url = `${system.url}/v1/shared/vitallab/http/${file.split('/').map(encodeURIComponent).join('/')}`;
        await type(`printf %s "$NAME" | curl -fsSL -H "Authorization: Bearer $T" -T - "$URL"`, { URL: url, NAME: file });
      }
      const rclone = 'rclone --config /dev/null --http-url "$KGPU_API_BASE/v1/shared/" --http-headers "Authorization,Bearer $KGPU_API_TOKEN"';
      const listed = await type(`${rclone} lsf -R --files-only :http:vitallab/http`);
      expect(listed.trim().split('\n').sort()).toEqual(names.toSorted());
      expect((await type(`${rclone} lsf :http:`)).trim()).toBe('vitallab/');
      await type(`${rclone} copy :http:vitallab copied`);
      for (const file of names) expect(await type('cat "copied/http/$NAME"', { NAME: file })).toBe(file);
      await same('mitdb.zip', 'copied/datasets/ecg/again.zip');
    });
  });
}
