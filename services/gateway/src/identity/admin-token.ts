/**
 * The admin that every install begins with, and the token that its operator finds in the data folder. A token is in the
 * file before it becomes good, so that a crash in between leaves none that nobody knows.
 */
import { hashToken, newToken, tokenPattern } from '@kgpu/contracts';
import { readFileIfThere, writePrivateFile } from '@kgpu/runtime';
import type { Credentials } from './credentials.projection.ts';
import type { Identity } from './identity.ts';
import type { People } from './people.projection.ts';

interface Known {
  identity: Identity;
  people: People;
  credentials: Credentials;
}

/** An admin's token: the one in the file, or a new one when there is none or it was revoked. Makes the first admin when there is nobody. */
export async function ensureAdminToken(file: string, firstAdminEmail: string, known: Known): Promise<string> {
  if (known.people.firstAdmin() === undefined) {
    const name = firstAdminEmail.split('@')[0]!;
    await known.identity.register({ email: firstAdminEmail, name, role: 'admin', status: 'active' }, 'first-admin');
  }
  const kept = readFileIfThere(file)?.trim() ?? '';
  if (tokenPattern.test(kept) && (await makeGood(kept, known))) return kept;
  const token = newToken();
  writePrivateFile(file, `${token}\n`);
  await makeGood(token, known);
  return token;
}

/** False for a token that was revoked or whose user is no admin now: what somebody knows who lost their rights must not come back. */
async function makeGood(token: string, { identity, people, credentials }: Known): Promise<boolean> {
  const hash = hashToken(token);
  const bearer = credentials.find(hash);
  if (bearer !== undefined) return people.isActiveAdmin(bearer.userId);
  if (credentials.wasRevoked(hash)) return false;
  await identity.recordToken(people.firstAdmin()!.user_id, token, 'kept in the data folder', `admin-token:${hash}`);
  return true;
}
